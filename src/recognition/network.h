/*
 * network.h: a model, ready to run on one core.
 *
 * Opening packs the weights once; a process that forks afterwards shares them.
 * It reads /proc/cpuinfo: open before any jail. One run at a time.
 */
#ifndef RECOGNITION_NETWORK_H
#define RECOGNITION_NETWORK_H

#include "recognition/model_file.h"

struct network;

/* `model` must stay open: labels and shapes are its. */
bool network_open(struct network **ret, const struct model *model,
		  struct error *err) MUST_CHECK;
void network_close(struct network *network);

/* height x width x 3 floats to be filled before a run. */
float *network_input(struct network *network);
bool network_run(struct network *network, struct error *err) MUST_CHECK;
/* Of the last run: the floats of output `index` of the model. */
const float *network_output(const struct network *network, uint32_t index,
			    size_t *ret_count);

#endif
