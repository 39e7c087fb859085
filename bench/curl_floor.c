/*
 * curl_floor.c: what a GetItem costs with libcurl and nothing else: one handle,
 * set up once, one kept connection, no signature, the answer thrown away.
 *
 * curl_floor URL TABLE [COUNT]: prints user and system CPU of a call in
 * microseconds.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WARM 50

static size_t drop(char *ptr, size_t size, size_t count, void *arg)
{
	(void)ptr, (void)arg;
	return size * count;
}

static double cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct curl_slist *make_headers(void)
{
	/* as long as those of a signed call */
	static const char *const lines[] = {
		"Expect:", "Content-Type: application/x-amz-json-1.0",
		"X-Amz-Target: DynamoDB_20120810.GetItem",
		"X-Amz-Date: 20260101T000000Z",
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"
		"20260101/us-east-1/dynamodb/aws4_request, SignedHeaders="
		"content-type;host;x-amz-date;x-amz-target, Signature="
		"0000000000000000000000000000000000000000000000000000000000000000",
	};
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		list = curl_slist_append(list, lines[i]);
	return list;
}

int main(int argc, char **argv)
{
	int count = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1000;
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = make_headers();
	char body[256];
	double since = 0;
	long status;

	if (argc < 3 || !curl) {
		fputs("usage: curl_floor URL TABLE [COUNT]\n", stderr);
		return 2;
	}
	snprintf(body, sizeof(body),
		 "{\"TableName\":\"%.100s\",\"Key\":{\"pk\":{\"S\":\"x\"},"
		 "\"sk\":{\"S\":\"x\"}},\"ConsistentRead\":true}", argv[2]);
	curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	for (int i = 0; i < WARM + count; i++) {
		if (i == WARM)
			since = cpu_us();
		if (curl_easy_perform(curl) ||
		    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) ||
		    status != 200) {
			fputs("curl_floor: it did not answer 200\n", stderr);
			return 1;
		}
	}
	printf("%.2f\n", (cpu_us() - since) / count);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return 0;
}
