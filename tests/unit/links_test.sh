#!/bin/sh
# links_test.sh: what a program does not use, it does not link.
#
# Run in the build folder. Each library, and the programs that may need it.
set -u
status=0

only() {
	library=$1
	shift
	for program in src/operations/* src/objects/objects src/relay/relay \
		src/recognizer/recognizer; do
		[ -f "$program" ] && [ -x "$program" ] || continue
		readelf -d "$program" | grep -q "NEEDED.*\[lib$library" || continue
		case " $* " in
		*" ${program##*/} "*) ;;
		*)
			echo "$program links lib$library"
			status=1
			;;
		esac
	done
}

command -v readelf >/dev/null || { echo "no readelf"; exit 77; }
[ -x src/operations/create_order ] || { echo "nothing is built"; exit 99; }
only hpdf generate_pdf_report
only fribidi generate_pdf_report
only curl create_order update_order delete_order get_orders get_order_by_id \
	recognize_uploaded_image on_order_deleted archive_deleted_orders \
	generate_pdf_report subscribe_email unsubscribe_email objects relay
only sqlite3 create_order update_order delete_order get_orders get_order_by_id \
	on_order_deleted archive_deleted_orders subscribe_email \
	unsubscribe_email relay
only XNNPACK recognizer
only jpeg recognizer
only png recognizer
only webp recognizer
exit $status
