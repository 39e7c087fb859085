#!/bin/sh
# folder_rules_test.sh: may every file include what it includes?
#
# Prints each violation as file:line: what is wrong. The rules are the tables
# below; docs/ARCHITECTURE.md says why.
set -u
cd "${srcdir:-.}" || exit 99
LC_ALL=C
export LC_ALL

# Who may include whom. A folder always may include itself.
folders='
base
order       base
ports       order base
deletion    ports report order base
mail        ports order base
report      ports order base
recognition order base
aws         http_client base
http_client base
http        ports order base
sns         http_client ports order base
adapters    ports aws sns http_client mail recognition order base
operations  http ports deletion mail report recognition order base
relay       ports deletion mail http_client order base
objects     http ports order base
ordermill   http sns ports deletion mail report recognition order base
recognizer  recognition order base
main.c      http ports base
'

# Headers that are neither ours nor the C library's, and where they live.
homes='
fcgiapp.h   http/
pcre2.h     base/pattern.c
openssl/    base/crypto.c base/public_key.c base/signature.c
sanitizer/  base/arena.c
sqlite3.h   adapters/sqlite.h
pthread.h   http_client/http_client.c
curl/       http_client/http_wire.h adapters/mailer_smtp.c
hpdf        report/
fribidi     report/
xnnpack.h   recognition/xnn_network.c
jpeglib.h   recognition/decode_jpeg.c
jerror.h    recognition/decode_jpeg.c
png.h       recognition/decode_png.c
webp/       recognition/decode_webp.c
'

# Headers of the C library and the kernel.
system='assert ctype dirent endian errno fcntl fts getopt grp inttypes limits locale
malloc math netdb poll pwd sched setjmp signal spawn stdalign stdarg stdbool stddef stdint
stdio stdlib string strings syslog termios time unistd wchar
arpa/ linux/ net/ netinet/ sys/'

# Main loops, programs, what all of them begin with, and the process that draws
# a report: only they log and read the clock.
loops='main.c base/program.c http/responder.c http/exchange.c deletion/report_job.c relay/
objects/ ordermill/ recognizer/'

operations='create_order update_order delete_order get_orders get_order_by_id
recognize_uploaded_image on_order_deleted archive_deleted_orders
generate_pdf_report subscribe_email unsubscribe_email'

found=$(
	for file in $(find src/operations -name '*.[ch]'); do
		name=${file#src/operations/}
		case " $(echo $operations) " in
		*" ${name%.c} "*) ;;
		*) echo "$file:1: is none of the eleven operations" ;;
		esac
	done

	find src tests -name '*.[ch]' | sort | xargs awk \
		-v folders="$folders" -v homes="$homes" -v system_headers="$system" \
		-v loops="$loops" -v port_files="$(echo src/ports/*.h)" '
	function complain(line, what) {
		print file ":" line ": " what
	}
	# Whether `name` is, or begins with, one of the words (a "/" ends a folder).
	function among(name, words, list, i, n) {
		n = split(words, list, " ")
		for (i = 1; i <= n; i++)
			if (name == list[i] || (list[i] ~ /\/$/ &&
			    index(name, list[i]) == 1))
				return 1
		return 0
	}
	function table(text, into, rows, cells, i, n) {
		n = split(text, rows, "\n")
		for (i = 1; i <= n; i++) {
			split(rows[i], cells, " ")
			if (rows[i] != "")
				into[cells[1]] = substr(rows[i], length(cells[1]) + 1)
		}
	}
	function ours(name, to) {
		to = name
		sub(/\/.*/, "", to)
		if (!(to in may))
			complain(FNR, "\"" name "\" is in no folder of src/")
		else if (to != folder && !among(to, may[folder]))
			complain(FNR, folder " must not include " to)
		if (name == "base/log.h" && own != "base/log.c" &&
		    !among(own, loops))
			complain(FNR, "only main loops log")
	}
	function place(words) {
		gsub(/[ \t]+/, " ", words)
		return words
	}
	function foreign(name, header, bare) {
		bare = name
		sub(/\.h$/, "", bare)
		if (among(bare, system_headers))
			return
		for (header in home)
			if (index(name, header) == 1) {
				if (!among(own, home[header]))
					complain(FNR, "<" name "> lives in" place(home[header]))
				return
			}
		complain(FNR, "<" name "> has no home; see tests/unit/" \
			 "folder_rules_test.sh")
	}
	function finish() {
		if (file ~ /\.c$/ && last != "base/banned.h")
			complain(last_line ? last_line : 1,
				 "the last include must be base/banned.h")
	}
	BEGIN {
		table(folders, may)
		table(homes, home)
		n = split(port_files, ports, " ")
		for (i = 1; i <= n; i++) {
			sub(/.*\//, "", ports[i])
			sub(/\.h$/, "", ports[i])
		}
	}
	FNR == 1 {
		if (file != "")
			finish()
		file = FILENAME
		is_test = file ~ /^tests\//
		own = file
		sub(/^src\//, "", own)
		folder = own
		sub(/\/.*/, "", folder)
		last = ""
		last_line = 0
		if (!is_test && !(folder in may))
			complain(1, "the folder " folder " has no rule")
		if ($0 !~ /^\/\*/)
			complain(1, "must begin with a comment that says what it is")
		for (i in ports)
			if (own ~ "^adapters/" ports[i] "_.*\\.h$")
				complain(1, "an adapter has no header")
	}
	/^#[ \t]*include[ \t]/ {
		name = $0
		sub(/^#[ \t]*include[ \t]*[<"]/, "", name)
		sub(/[>"].*/, "", name)
		last = name
		last_line = FNR
		if (is_test)
			next
		if ($0 ~ /"/)
			ours(name)
		else
			foreign(name)
	}
	/(^|[^a-z_])clock_now_ms\(/ {
		if (!is_test && own !~ /^(base\/(clock\.[ch]|log\.c)|aws\/aws_client\.c)$/ &&
		    !among(own, loops))
			complain(FNR, "only main loops read the clock")
	}
	END { finish() }'
)

[ -z "$found" ] && exit 0
echo "$found"
exit 1
