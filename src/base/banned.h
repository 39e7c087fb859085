/*
 * banned.h: functions with no place in this code. Included last by every .c.
 *
 * The copying ones have no bound or lie about it; strtok and localtime keep
 * hidden state; atoi and friends cannot report an error.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof gmtime localtime ctime asctime mktemp

#endif
