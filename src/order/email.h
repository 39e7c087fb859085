/*
 * email.h: an e-mail address as orders and subscribers have it. Pure.
 */
#ifndef ORDER_EMAIL_H
#define ORDER_EMAIL_H

#include "base/arena.h"

/* Valid by PATTERN_EMAIL; the domain comes back in lower case (the local part
 * is its host's matter: RFC 5321, 2.4). */
bool email_normalize(struct str email, struct arena *arena, struct str *ret);

#endif
