/*
 * known_labels.h: what our models know, each label with the synset that is
 * meant: its offset in WordNet 3.0's data.noun, less its leading zeros.
 *
 * A label's text is never looked up: "mouse" would be an animal, "orange" a
 * colour. What two models know by one synset is one thing to the recognizer.
 */
#ifndef RECOGNITION_KNOWN_LABELS_H
#define RECOGNITION_KNOWN_LABELS_H

#include <stdint.h>

struct known_label {
	uint8_t class;		/* number in the network's outputs */
	char name[23];
	uint32_t synset;
};

/* COCO's categories, of which 11 of 91 are not used; 0 is the background. */
#define COCO_CLASSES 91u

static const struct known_label coco_labels[] = {
	{ 1, "person", 7846 },
	{ 2, "bicycle", 2834778 },
	{ 3, "car", 2958343 },
	{ 4, "motorcycle", 3790512 },
	{ 5, "airplane", 2691156 },
	{ 6, "bus", 2924116 },
	{ 7, "train", 4468005 },
	{ 8, "truck", 4490091 },
	{ 9, "boat", 2858304 },
	{ 10, "traffic light", 6874185 },
	{ 11, "fire hydrant", 3346898 },
	{ 13, "stop sign", 6794110 },	/* street sign: WordNet has no stop sign */
	{ 14, "parking meter", 3891332 },
	{ 15, "bench", 2828884 },
	{ 16, "bird", 1503061 },
	{ 17, "cat", 2121620 },
	{ 18, "dog", 2084071 },
	{ 19, "horse", 2374451 },
	{ 20, "sheep", 2411705 },
	{ 21, "cow", 2403454 },
	{ 22, "elephant", 2503517 },
	{ 23, "bear", 2131653 },
	{ 24, "zebra", 2391049 },
	{ 25, "giraffe", 2439033 },
	{ 27, "backpack", 2769748 },
	{ 28, "umbrella", 4507155 },
	{ 31, "handbag", 2774152 },
	{ 32, "tie", 3815615 },
	{ 33, "suitcase", 2773838 },
	{ 34, "frisbee", 3397947 },
	{ 35, "skis", 4228054 },
	{ 36, "snowboard", 4251791 },
	{ 37, "sports ball", 2778669 },	/* ball, the round object of games */
	{ 38, "kite", 3621473 },	/* the plaything, not the bird */
	{ 39, "baseball bat", 2799175 },
	{ 40, "baseball glove", 2800213 },
	{ 41, "skateboard", 4225987 },
	{ 42, "surfboard", 4363559 },
	{ 43, "tennis racket", 4409806 },
	{ 44, "bottle", 2876657 },
	{ 46, "wine glass", 4592099 },
	{ 47, "cup", 3147509 },
	{ 48, "fork", 3383948 },
	{ 49, "knife", 3623556 },
	{ 50, "spoon", 4284002 },
	{ 51, "bowl", 2881193 },
	{ 52, "banana", 7753592 },
	{ 53, "apple", 7739125 },
	{ 54, "sandwich", 7695965 },
	{ 55, "orange", 7747607 },	/* the fruit */
	{ 56, "broccoli", 7714990 },
	{ 57, "carrot", 7730207 },
	{ 58, "hot dog", 7697537 },
	{ 59, "pizza", 7873807 },
	{ 60, "donut", 7639069 },
	{ 61, "cake", 7628870 },
	{ 62, "chair", 3001627 },
	{ 63, "couch", 4256520 },
	{ 64, "potted plant", 13083023 },	/* houseplant */
	{ 65, "bed", 2818832 },
	{ 67, "dining table", 3201208 },
	{ 70, "toilet", 4446521 },	/* the fixture, not the room */
	{ 72, "tv", 4405907 },
	{ 73, "laptop", 3642806 },
	{ 74, "mouse", 3793489 },	/* of a computer */
	{ 75, "remote", 4074963 },
	{ 76, "keyboard", 3085013 },	/* of a computer */
	{ 77, "cell phone", 2992529 },
	{ 78, "microwave", 3761084 },
	{ 79, "oven", 3862676 },
	{ 80, "toaster", 4442312 },
	{ 81, "sink", 4223580 },
	{ 82, "refrigerator", 4070727 },
	{ 84, "book", 2870092 },
	{ 85, "clock", 3046257 },
	{ 86, "vase", 4522168 },
	{ 87, "scissors", 4148054 },
	{ 88, "teddy bear", 4399382 },
	{ 89, "hair drier", 3483316 },
	{ 90, "toothbrush", 4453156 },
};

/* Of Open Images, in the order of the package's label map; 0 is the background. */
#define OPEN_IMAGES_CLASSES 24u

static const struct known_label open_images_labels[] = {
	{ 1, "bicycle", 2834778 },
	{ 2, "boot", 2872752 },	/* that is worn */
	{ 3, "laptop", 3642806 },
	{ 4, "person", 7846 },
	{ 5, "chair", 3001627 },
	{ 6, "cattle", 2402425 },
	{ 7, "desk", 3179701 },
	{ 8, "cat", 2121620 },
	{ 9, "computer mouse", 3793489 },
	{ 10, "computer monitor", 3782190 },
	{ 11, "box", 2883344 },	/* the container */
	{ 12, "mug", 3797390 },
	{ 13, "coffee cup", 3063073 },
	{ 14, "stationary bicycle", 3302671 },	/* exercise bike */
	{ 15, "table", 4379243 },	/* the furniture */
	{ 16, "bottle", 2876657 },
	{ 17, "high heels", 4199027 },	/* shoe: WordNet knows only their heel */
	{ 18, "vehicle", 4524313 },
	{ 19, "footwear", 3380867 },
	{ 20, "dog", 2084071 },
	{ 21, "book", 2870092 },
	{ 22, "camera", 2942699 },
	{ 23, "car", 2958343 },
};

#endif
