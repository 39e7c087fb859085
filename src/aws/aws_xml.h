/*
 * aws_xml.h: the XML that S3 and SNS answer with, read strictly into a tree.
 *
 * Of XML 1.0: elements, attributes (checked, then dropped), text, the five
 * entities and numeric references, one declaration at the start. A DTD, a
 * comment, CDATA or a processing instruction is none of it and refused, as is
 * text beside elements, but for white space. Depth and number are bounded.
 */
#ifndef AWS_AWS_XML_H
#define AWS_AWS_XML_H

#include "base/arena.h"
#include "base/error.h"

struct aws_xml {
	struct str name;		/* as written, prefix and all */
	struct str text;		/* "" of an element that has elements */
	struct aws_xml *child, *next;	/* in the order of the text */
};

/* ERROR_UNAVAILABLE with a cause: who answers like that is not well. `text` may
 * go at once. */
bool aws_xml_parse(const struct aws_xml **ret, struct str text,
		   struct arena *arena, struct error *err) MUST_CHECK;

/* The first element of that name in `parent`; NULL in, NULL out. */
const struct aws_xml *aws_xml_child(const struct aws_xml *parent,
				    const char *name);
/* The next one of the same name beside `element`, or NULL. */
const struct aws_xml *aws_xml_next(const struct aws_xml *element);
/* The text of the first element of that name in `parent`, or absent. */
struct str aws_xml_text(const struct aws_xml *parent, const char *name);

#endif
