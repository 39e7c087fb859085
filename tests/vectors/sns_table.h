/*
 * sns_table.h: messages that must not be taken for SNS's, and certificate URLs
 * that are not its own. The project's own table.
 *
 * A row changes members of a genuine notification. `signed_again`: the result
 * bears a signature that a validator without our rules would find right (SNS
 * signs whatever is published to anybody's topic, with the same key).
 */
#ifndef VECTORS_SNS_TABLE_H
#define VECTORS_SNS_TABLE_H

#include <stdbool.h>

/* A test of another bus names its own before. */
#ifndef OUR_TOPIC
#define OUR_TOPIC "arn:aws:sns:local:000000000000:order-deleted"
#define OUR_CERTIFICATE "http://127.0.0.1:8080/events/certificate.pem"
#endif
#define EVENT_ID "0193a5c0-0000-7000-8000-000000000001"
#define THEIR_TOPIC "arn:aws:sns:local:666666666666:theirs"
#define CONFIRMATION "\"SubscriptionConfirmation\""

struct sns_edit {
	const char *member;	/* "+Type": one more of that name */
	const char *json;	/* NULL: without that member */
};

struct sns_forgery {
	const char *name;
	bool signed_again;
	struct sns_edit edits[6];
};

static const struct sns_forgery sns_forgeries[] = {
	/* changed after it was signed */
	{ "the message changed", false, { { "Message", "\"{}\"" } } },
	{ "the message grew", false,
	  { { "Message", "\"{\\\"event_id\\\":\\\"1\\\"} \"" } } },
	{ "the message is empty", false, { { "Message", "\"\"" } } },
	{ "the id changed", false,
	  { { "MessageId", "\"0193a5c0-0000-7000-8000-000000000002\"" } } },
	{ "the subject changed", false, { { "Subject", "\"order deleted\"" } } },
	{ "the subject is gone", false, { { "Subject", NULL } } },
	{ "the subject is empty", false, { { "Subject", "\"\"" } } },
	{ "the time changed", false,
	  { { "Timestamp", "\"2026-11-24T16:00:01.000Z\"" } } },
	{ "the same time, written otherwise", false,
	  { { "Timestamp", "\"2026-11-24T16:00:00Z\"" } } },
	{ "made a confirmation", false,
	  { { "Type", CONFIRMATION }, { "+Token", "\"t\"" },
	    { "+SubscribeURL", "\"https://a\"" } } },

	/* the signature */
	{ "no signature", false, { { "Signature", NULL } } },
	{ "an empty signature", false, { { "Signature", "\"\"" } } },
	{ "a signature of no bytes", false, { { "Signature", "\"====\"" } } },
	{ "a short signature", false, { { "Signature", "\"AAAA\"" } } },
	{ "a signature that is not base64", false,
	  { { "Signature", "\"*not base64*\"" } } },
	{ "a signature of zeros", false,
	  { { "Signature",
	      "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\"" } } },
	{ "a signature that is a number", false, { { "Signature", "1" } } },
	{ "a signature that is null", false, { { "Signature", "null" } } },
	{ "version 1 is not configured", true,
	  { { "SignatureVersion", "\"1\"" } } },
	{ "version 3", true, { { "SignatureVersion", "\"3\"" } } },
	{ "version 0", true, { { "SignatureVersion", "\"0\"" } } },
	{ "version 02", true, { { "SignatureVersion", "\"02\"" } } },
	{ "version with a space", true, { { "SignatureVersion", "\" 2\"" } } },
	{ "version with a NUL's escape's text", true,
	  { { "SignatureVersion", "\"2\\u0001\"" } } },
	{ "version as a number", true, { { "SignatureVersion", "2" } } },
	{ "no version", true, { { "SignatureVersion", NULL } } },
	{ "version is empty", true, { { "SignatureVersion", "\"\"" } } },

	/* the topic */
	{ "another topic", true, { { "TopicArn", "\"" THEIR_TOPIC "\"" } } },
	{ "a topic that begins as ours", true,
	  { { "TopicArn", "\"" OUR_TOPIC "s\"" } } },
	{ "a part of our topic", true,
	  { { "TopicArn",
	      "\"arn:aws:sns:local:000000000000:order-delete\"" } } },
	{ "our topic in other case", true,
	  { { "TopicArn",
	      "\"arn:aws:sns:local:000000000000:Order-Deleted\"" } } },
	{ "our topic and a space", true,
	  { { "TopicArn", "\"" OUR_TOPIC " \"" } } },
	{ "our topic of another region", true,
	  { { "TopicArn",
	      "\"arn:aws:sns:eu-west-1:000000000000:order-deleted\"" } } },
	{ "our topic of another account", true,
	  { { "TopicArn",
	      "\"arn:aws:sns:local:000000000001:order-deleted\"" } } },
	{ "our topic of another partition", true,
	  { { "TopicArn",
	      "\"arn:aws-cn:sns:local:000000000000:order-deleted\"" } } },
	{ "a list of topics", true, { { "TopicArn", "[\"" OUR_TOPIC "\"]" } } },
	{ "no topic", true, { { "TopicArn", NULL } } },
	{ "an empty topic", true, { { "TopicArn", "\"\"" } } },
	{ "our topic, then theirs", true,
	  { { "TopicArn", "\"" OUR_TOPIC "\\n" THEIR_TOPIC "\"" } } },

	/* truly signed for their topic, cut again so as to name ours */
	{ "re-cut: the rest of the string as the type", true,
	  { { "Type", "\"Notification\\nTimestamp\\n2026-11-24T16:00:00.000Z"
		      "\\nTopicArn\\n" THEIR_TOPIC
		      "\\nType\\nNotification\"" } } },
	{ "re-cut: their topic behind ours", true,
	  { { "TopicArn", "\"" OUR_TOPIC "\\nType\\nNotification\\nTimestamp"
			  "\\n2026-11-24T16:00:00.000Z\\nTopicArn\\n"
			  THEIR_TOPIC "\"" } } },
	{ "re-cut: topic and type in the time", true,
	  { { "Timestamp", "\"2026-11-24T16:00:00.000Z\\nTopicArn\\n"
			   THEIR_TOPIC "\\nType\\nNotification\"" } } },
	{ "re-cut: the subject in the id", true,
	  { { "MessageId", "\"0193a5c0-0000-7000-8000-000000000001\\n"
			   "Subject\\nother\"" }, { "Subject", NULL } } },
	{ "re-cut: time before the time", true,
	  { { "MessageId", "\"0193a5c0-0000-7000-8000-000000000001\\n"
			   "Timestamp\\n2026-11-24T16:00:00.000Z\"" } } },
	{ "re-cut: a confirmation's token from a message", true,
	  { { "Type", CONFIRMATION }, { "Subject", NULL },
	    { "+SubscribeURL", "\"https://a\\nTimestamp\\nx\"" },
	    { "+Token", "\"t\"" } } },
	{ "re-cut: the topic in the token", true,
	  { { "Type", CONFIRMATION }, { "Subject", NULL },
	    { "+SubscribeURL", "\"https://a\"" },
	    { "+Token", "\"t\\nTopicArn\\n" THEIR_TOPIC "\"" } } },

	/* the type */
	{ "type in lower case", true, { { "Type", "\"notification\"" } } },
	{ "type and a space", true, { { "Type", "\"Notification \"" } } },
	{ "type and a line end", true, { { "Type", "\"Notification\\n\"" } } },
	{ "type and CR LF", true, { { "Type", "\"Notification\\r\\n\"" } } },
	{ "type that begins as one", true,
	  { { "Type", "\"NotificationX\"" } } },
	{ "type in full-width letters", true,
	  { { "Type", "\"\\uff2eotification\"" } } },
	{ "no type", true, { { "Type", NULL } } },
	{ "an empty type", true, { { "Type", "\"\"" } } },
	{ "type is a list", true, { { "Type", "[\"Notification\"]" } } },
	{ "type is null", true, { { "Type", "null" } } },
	{ "two types", true, { { "+Type", "\"Notification\"" } } },
	{ "two types, one in escapes", true,
	  { { "+T\\u0079pe", "\"Notification\"" } } },
	{ "type under another case of its name", true,
	  { { "Type", NULL }, { "+type", "\"Notification\"" } } },

	/* the shape */
	{ "no message", true, { { "Message", NULL } } },
	{ "the message is an object", true, { { "Message", "{}" } } },
	{ "the message is null", true, { { "Message", "null" } } },
	{ "two messages", true, { { "+Message", "\"{}\"" } } },
	{ "the subject is null", true, { { "Subject", "null" } } },
	{ "the subject is a number", true, { { "Subject", "1" } } },
	{ "no id", true, { { "MessageId", NULL } } },
	{ "the id is no UUID", true, { { "MessageId", "\"1\"" } } },
	{ "the id with a tab", true,
	  { { "MessageId", "\"0193a5c0-0000-7000-8000-00000000000\\t\"" } } },
	{ "no time", true, { { "Timestamp", NULL } } },
	{ "the time is none", true, { { "Timestamp", "\"yesterday\"" } } },
	{ "the time with DEL", true,
	  { { "Timestamp", "\"2026-11-24T16:00:00.000Z\\u007f\"" } } },
	{ "a confirmation without a token", true,
	  { { "Type", CONFIRMATION }, { "+SubscribeURL", "\"https://a\"" } } },
	{ "a confirmation with an empty token", true,
	  { { "Type", CONFIRMATION }, { "+SubscribeURL", "\"https://a\"" },
	    { "+Token", "\"\"" } } },
	{ "a confirmation's token with DEL", true,
	  { { "Type", CONFIRMATION }, { "+SubscribeURL", "\"https://a\"" },
	    { "+Token", "\"t\\u007f\"" } } },
	{ "a confirmation's URL with a line end", true,
	  { { "Type", CONFIRMATION }, { "+Token", "\"t\"" },
	    { "+SubscribeURL", "\"https://a\\n\"" } } },
	{ "a confirmation without its URL", true,
	  { { "Type", CONFIRMATION }, { "+Token", "\"t\"" } } },
	{ "an unsubscription without a token", true,
	  { { "Type", "\"UnsubscribeConfirmation\"" },
	    { "+SubscribeURL", "\"https://a\"" } } },

	/* the certificate */
	{ "no certificate", true, { { "SigningCertURL", NULL } } },
	{ "an empty certificate URL", true, { { "SigningCertURL", "\"\"" } } },
	{ "somebody's certificate", true,
	  { { "SigningCertURL", "\"https://example.org/c.pem\"" } } },
	{ "SNS's certificate", true,
	  { { "SigningCertURL",
	      "\"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-"
	      "7ff5318490ec183fbaddaa2a969abfda.pem\"" } } },
	{ "the certificate with a query", true,
	  { { "SigningCertURL",
	      "\"" OUR_CERTIFICATE "?\"" } } },
	{ "the certificate of a file", true,
	  { { "SigningCertURL", "\"file:///etc/ssl/cert.pem\"" } } },
	{ "the certificate in another case of its name", true,
	  { { "SigningCertURL", NULL },
	    { "+SigningCertUrl",
	      "\"" OUR_CERTIFICATE "\"" } } },
};

/* What is no envelope at all; the first is what raw delivery sends. */
static const char *const sns_bodies[] = {
	"{\"event_id\":\"0193a5c0-0000-7000-8000-0000000000e1\"}",
	"", " ", "{", "{}", "[]", "null", "true", "1", "\"Notification\"",
	"[{\"Type\":\"Notification\"}]", "{\"Type\":\"Notification\"}",
	"{'Type':'Notification'}", "Type=Notification", "<Type/>",
	"\xef\xbb\xbf{}", "\xff\xfe{",
};

/* With topic arn:aws:sns:us-west-2:123456789012:orders */
#define SNS_FILE "/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem"
static const char *const sns_foreign_urls[] = {
	"", "https://", "https://sns.us-west-2.amazonaws.com",
	"https://sns.us-west-2.amazonaws.com/",
	"http://sns.us-west-2.amazonaws.com" SNS_FILE,
	"HTTPS://sns.us-west-2.amazonaws.com" SNS_FILE,
	"ftp://sns.us-west-2.amazonaws.com" SNS_FILE,
	"//sns.us-west-2.amazonaws.com" SNS_FILE,
	" https://sns.us-west-2.amazonaws.com" SNS_FILE,
	"https://sns.s3-us-west-2.amazonaws.com" SNS_FILE,
	"https://sns.s3.us-west-2.amazonaws.com" SNS_FILE,
	"https://sns.us-west-2.s3.amazonaws.com" SNS_FILE,
	"https://sns.us-east-1.amazonaws.com" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com.evil.example" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com.cn" SNS_FILE,
	"https://sns.us-west-2.amazonaws.comx" SNS_FILE,
	"https://xsns.us-west-2.amazonaws.com" SNS_FILE,
	"https://evil.example/sns.us-west-2.amazonaws.com" SNS_FILE,
	"https://sns-us-west-2.amazonaws.com" SNS_FILE,
	"https://snsxus-west-2.amazonaws.com" SNS_FILE,
	"https://SNS.us-west-2.amazonaws.com" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com." SNS_FILE,
	"https://sns.us-west-2.amazonaws.com:443" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com:8443" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com:" SNS_FILE,
	"https://user@sns.us-west-2.amazonaws.com" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com@evil.example" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com\\@evil.example" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com#@evil.example" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com?@evil.example" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com" SNS_FILE "?x=1",
	"https://sns.us-west-2.amazonaws.com" SNS_FILE "#x",
	"https://sns.us-west-2.amazonaws.com" SNS_FILE "/",
	"https://sns.us-west-2.amazonaws.com" SNS_FILE "\n",
	"https://sns.us-west-2.amazonaws.com" SNS_FILE ".html",
	"https://sns.us-west-2.amazonaws.com/x" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com/.." SNS_FILE,
	"https://sns.us-west-2.amazonaws.com/" SNS_FILE,
	"https://sns.us-west-2.amazonaws.com/x.pem",
	"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-.pem",
	"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-g.pem",
	"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-7F.pem",
	"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-7fxpem",
	"https://sns.us-west-2.amazonaws.com/simplenotificationservice-7f.pem",
	"https://sns.us-west-2.amazonaws.com/?Action=Publish&x=" SNS_FILE,
	"https://127.0.0.1" SNS_FILE, "https://[::1]" SNS_FILE,
};

#endif
