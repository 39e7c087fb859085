/*
 * aws_profile.h: the shared files, ~/.aws/config and ~/.aws/credentials (or
 * what AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name), and the profile
 * AWS_PROFILE in them ("default").
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 * Nested settings (indented lines) belong to other programs and are skipped.
 */
#ifndef AWS_AWS_PROFILE_H
#define AWS_AWS_PROFILE_H

#include "base/arena.h"

enum aws_shared_file { AWS_CONFIG_FILE, AWS_CREDENTIALS_FILE };

/* Pure: the value of `key` in the profile's section of a file's text, absent
 * when it is not there; of several the last. */
struct str aws_profile_find(struct str text, enum aws_shared_file file,
			    struct str profile, struct str key);
/* Pure: whether the file has a section of the profile. */
bool aws_profile_is_in(struct str text, enum aws_shared_file file,
		       struct str profile);

/* Whether AWS_PROFILE is set; else it is the default. */
bool aws_profile_is_chosen(void);
/* The profile's name. */
struct str aws_profile_name(void);
/* The text of the file; absent when it cannot be read. */
struct str aws_profile_read(enum aws_shared_file file, struct arena *arena);
/* A value by both. */
struct str aws_profile_get(enum aws_shared_file file, struct str key,
			   struct arena *arena);

#endif
