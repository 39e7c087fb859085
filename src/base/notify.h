/*
 * notify.h: tells the service manager how we are, where there is one
 * (sd_notify(3), sd_watchdog_enabled(3)). Without one nothing is done.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

/* One datagram such as "READY=1" to $NOTIFY_SOCKET; nobody waits for it. */
void notify_send(const char *state);

/* How often "WATCHDOG=1" is due: half of what $WATCHDOG_USEC allows; 0: never.
 * A $WATCHDOG_PID that is not ours means that another process is meant. */
int notify_watchdog_ms(void);

/* Of that and another time to wait (-1: for ever) the shorter. */
int notify_sooner_ms(int wait_ms);

#endif
