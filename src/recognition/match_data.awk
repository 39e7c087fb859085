# match_data.awk: data/matching/*.txt as arrays of lines in C, for match_words.h
BEGIN {
	print "/* match_data.c: made by match_data.awk from data/matching */"
	print "#include \"recognition/match_words.h\""
	print "#include \"base/banned.h\""
}
FNR == 1 {
	if (NR > 1)
		print "\tNULL,\n};"
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.txt$/, "", name)
	print "const char *const match_data_" name "[] = {"
}
!/^#/ && NF {
	if ($0 ~ /["\\]/) {
		print FILENAME ":" FNR ": no quotes, no backslashes" > "/dev/stderr"
		exit 1
	}
	print "\t\"" $0 "\","
}
END { print "\tNULL,\n};" }
