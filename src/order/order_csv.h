/*
 * order_csv.h: orders as a table (RFC 4180, UTF-8), for spreadsheets. Pure.
 *
 * A cell that a spreadsheet would run as a formula (it starts with = + - @, tab
 * or CR) gets a leading apostrophe; numbers of ours do not.
 */
#ifndef ORDER_ORDER_CSV_H
#define ORDER_ORDER_CSV_H

#include "order/order.h"

void order_csv_head(struct buf *to);
void order_csv_row(const struct order *order, struct buf *to);

#endif
