/*
 * config_keys.c: every key of ordermill.conf, its default, its bounds and help.
 */
#include "base/config_keys.h"

#include "base/cleanup.h"
#include "base/url.h"

#include "base/banned.h"

static bool is_profile(struct str value)
{
	return str_is(value, "local") || str_is(value, "aws");
}

static bool is_url(struct str value, struct str scheme)
{
	if (!str_starts(value, scheme) || value.len == scheme.len)
		return false;
	for (size_t i = scheme.len; i < value.len; i++) {
		if ((unsigned char)value.ptr[i] <= ' ' ||
		    strchr("\"<>\\^`{|}\x7f", value.ptr[i]))
			return false;
	}
	return value.ptr[value.len - 1] != '/';
}

static bool is_web_url(struct str value)
{
	return is_url(value, STR("http://")) || is_url(value, STR("https://"));
}

static bool is_web_url_or_empty(struct str value)
{
	return !value.len || is_web_url(value);
}

/* Whoever answers there decides who may do what. */
static bool is_issuer_url_or_empty(struct str value)
{
	return is_web_url_or_empty(value) &&
	       (!str_starts(value, STR("http://")) ||
		url_is_http_to_here(value));
}

static bool is_mail_url(struct str value)
{
	return is_url(value, STR("smtp://")) || is_url(value, STR("smtps://"));
}

static bool is_origins(struct str value)
{
	struct str origin;

	while (str_next(&value, ' ', &origin)) {
		if (origin.len && !is_web_url(origin))
			return false;
	}
	return true;
}

static bool is_currency(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < 'A' || value.ptr[i] > 'Z')
			return false;
	}
	return value.len == 3;
}

static bool is_tls(struct str value)
{
	return str_is(value, "never") || str_is(value, "try") ||
	       str_is(value, "require");
}

/* host:port */
static bool is_door(struct str value)
{
	const char *colon = value.len ? memrchr(value.ptr, ':', value.len) :
					NULL;
	struct str port;
	uint64_t number;

	if (value.len == 0)
		return true;
	if (!colon || colon == value.ptr || value.len > 280)
		return false;
	port = (struct str){ colon + 1,
			     (size_t)(value.ptr + value.len - colon - 1) };
	return str_to_uint(port, 65535, &number) && number > 0;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
static bool is_bucket_or_empty(struct str value)
{
	if (value.len == 0)
		return true;
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		bool inner = i > 0 && i + 1 < value.len;

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    !(inner && (c == '-' || c == '.')))
			return false;
	}
	return value.len >= 3 && value.len <= 63;
}

static bool is_encryption(struct str value)
{
	return str_is(value, "none") || str_is(value, "AES256") ||
	       str_is(value, "aws:kms");
}

static bool is_account_or_empty(struct str value)
{
	uint64_t number;

	return value.len == 0 ||
	       (value.len == 12 && str_to_uint(value, INT64_MAX, &number));
}

static bool is_signature_versions(struct str value)
{
	return str_is(value, "2") || str_is(value, "1 2");
}

static bool is_not_empty(struct str value)
{
	return value.len > 0;
}

static bool is_scope_map(struct str value)
{
	struct str rule, word;

	while (str_next(&value, ' ', &rule)) {
		if (rule.len &&
		    (!str_next(&rule, '=', &word) || !word.len || !rule.len))
			return false;
	}
	return true;
}

static bool is_table(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') && !strchr("_-.", c))
			return false;
	}
	return value.len >= 3 && value.len <= 255;
}

#define AN_ISSUER_URL \
	"an https:// URL with no slash at its end (http:// to this machine " \
	"alone: else whoever sits between could let anybody in)"
#define A_URL "a URL such as https://desk.example.org, with no slash at its end"
#define A_NAME "a name"

/* With the number of workers that profile aws has. */
#define OPERATIONS(X) \
	X("create_order", "4") \
	X("update_order", "4") \
	X("delete_order", "4") \
	X("get_orders", "4") \
	X("get_order_by_id", "4") \
	X("recognize_uploaded_image", NULL) \
	X("on_order_deleted", NULL) \
	X("archive_deleted_orders", NULL) \
	X("generate_pdf_report", NULL) \
	X("subscribe_email", NULL) \
	X("unsubscribe_email", NULL) \
	X("objects", NULL)

#define WORKERS(operation, number) \
	{ .name = operation ".workers", .type = CONFIG_INT, .fallback = "0", \
	  .aws = number, .max = 64, .help = workers_help },
#define BATCH(operation, number) \
	{ .name = operation ".batch", .type = CONFIG_INT, .fallback = "0", \
	  .max = 256, .help = batch_help },

#define ENDPOINT(service) \
	{ .name = "aws.endpoint." service, .type = CONFIG_TEXT, \
	  .fallback = "", .check = is_web_url_or_empty, .expected = A_URL, \
	  .help = endpoint_help }

/* One text for many keys: the printers tell by the pointer. */
static const char endpoint_help[] =
	"Where an engine that speaks a service's protocol is. Empty: "
	"AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL or AWS itself.";
static const char workers_help[] =
	"Processes that answer an operation. With the profile aws those of "
	"orders are 4, since each waits while DynamoDB answers. 0 is its "
	"built-in number.";
static const char batch_help[] =
	"Requests that one commit of an operation may cover; 0 is its "
	"built-in number.";

const struct config_key config_keys[] = {
	{ .name = "profile", .type = CONFIG_TEXT,
	  .fallback = "local",
	  .check = is_profile,
	  .expected = "local or aws",
	  .help =
		"Which set of defaults the adapters have: 'local' (SQLite, a "
		"directory, a local relay) or 'aws'." },
	{ .name = "state.directory", .type = CONFIG_PATH,
	  .fallback = "/var/lib/ordermill",
	  .help =
		"Where everything that lasts is kept. A path below that is "
		"left empty lies in it." },
	{ .name = "site.url", .type = CONFIG_TEXT,
	  .fallback = "http://127.0.0.1:8080",
	  .check = is_web_url, .expected = A_URL,
	  .help =
		"The address under which people reach the desk. It begins the "
		"links in mails and reports." },
	{ .name = "site.name", .type = CONFIG_TEXT,
	  .fallback = "Order desk",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "The name in mails and reports." },
	{ .name = "site.secret_file", .type = CONFIG_PATH, .secret = true,
	  .fallback = "secrets/site.key",
	  .help =
		"The secret that signs cursors, image receipts and the links "
		"in mails." },
	{ .name = "orders.currency", .type = CONFIG_TEXT,
	  .fallback = "EUR",
	  .check = is_currency,
	  .expected = "three capital letters such as EUR",
	  .help = "The currency of an order that names none (ISO 4217)." },
	{ .name = "orders.require_if_match", .type = CONFIG_BOOL,
	  .fallback = "no",
	  .help =
		"Refuse to change or delete an order without If-Match "
		"(428)." },
	{ .name = "access.tokens_file", .type = CONFIG_PATH,
	  .fallback = "tokens",
	  .help = "The API tokens, hashed; 'ordermill token' writes it." },
	{ .name = "access.jwt_issuer", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_issuer_url_or_empty, .expected = AN_ISSUER_URL,
	  .help =
		"The OpenID Connect issuer whose access tokens (JWT) are "
		"accepted besides API tokens. Empty: none." },
	{ .name = "access.jwt_audience", .type = CONFIG_TEXT,
	  .fallback = "",
	  .help =
		"Audiences or client ids that such a token may be meant for, "
		"separated by spaces." },
	{ .name = "access.jwt_scopes", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_scope_map,
	  .expected = "rules such as staff=orders:read,orders:write",
	  .help =
		"What a scope or group of such a token allows here: "
		"word=scope,scope and so on, separated by spaces. Empty: each "
		"scope by its own name." },
	{ .name = "access.jwt_keys_url", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_issuer_url_or_empty, .expected = AN_ISSUER_URL,
	  .help =
		"Where the relay fetches the issuer's keys (JWK set). Empty: "
		"/.well-known/jwks.json under access.jwt_issuer." },
	{ .name = "access.jwt_keys_file", .type = CONFIG_PATH,
	  .fallback = "run/jwks.json",
	  .help = "Where the relay keeps the issuer's keys." },
	{ .name = "access.origins", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_origins,
	  .expected =
		"origins such as https://shop.example.org, separated by spaces",
	  .help =
		"Origins of other sites whose pages may call the API (CORS), "
		"exact, separated by spaces." },
	{ .name = "database.adapter", .type = CONFIG_TEXT,
	  .fallback = "sqlite", .aws = "dynamodb",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "What keeps orders, deletions and subscribers." },
	{ .name = "database.path", .type = CONFIG_PATH,
	  .fallback = "ordermill.db",
	  .help = "The SQLite file." },
	{ .name = "database.table", .type = CONFIG_TEXT,
	  .fallback = "ordermill",
	  .check = is_table,
	  .expected = "3 to 255 letters, digits, '_', '-' or '.'",
	  .help = "The DynamoDB table." },
	{ .name = "object_archive.adapter", .type = CONFIG_TEXT,
	  .fallback = "directory", .aws = "s3",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "What keeps archived orders, photos and reports." },
	{ .name = "object_archive.directory", .type = CONFIG_PATH,
	  .fallback = "objects",
	  .help = "The folder of the adapter 'directory'." },
	{ .name = "object_archive.bucket", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_bucket_or_empty,
	  .expected = "the name of a bucket such as example-orders",
	  .help = "The bucket of the adapter 's3'." },
	{ .name = "object_archive.encryption", .type = CONFIG_TEXT,
	  .fallback = "none",
	  .check = is_encryption, .expected = "none, AES256 or aws:kms",
	  .help =
		"How the adapter 's3' asks for objects to be encrypted: 'none' "
		"leaves it to the bucket." },
	{ .name = "object_archive.kms_key", .type = CONFIG_TEXT,
	  .fallback = "",
	  .help = "The KMS key of 'aws:kms'; empty: the account's own." },
	{ .name = "object_archive.bucket_owner", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_account_or_empty,
	  .expected = "an account id, twelve digits",
	  .help =
		"The account that must own the bucket; calls to one of another "
		"account then fail. Empty: not asked." },
	{ .name = "object_archive.region", .type = CONFIG_TEXT,
	  .fallback = "local",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "The region that presigned URLs name." },
	{ .name = "object_archive.access_key_id", .type = CONFIG_TEXT,
	  .fallback = "ordermill",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "The key id that presigned URLs name." },
	{ .name = "object_archive.secret_key_file", .type = CONFIG_PATH, .secret = true,
	  .fallback = "secrets/objects.key",
	  .help = "The secret key that signs presigned URLs." },
	{ .name = "object_archive.link_valid_s", .type = CONFIG_INT,
	  .fallback = "3600", .min = 1, .max = 604800,
	  .help = "Seconds for which a presigned URL is valid." },
	{ .name = "event_bus.adapter", .type = CONFIG_TEXT,
	  .fallback = "local", .aws = "sns",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "What carries the news of a deletion." },
	{ .name = "event_bus.topic_arn", .type = CONFIG_TEXT,
	  .fallback = "arn:aws:sns:local:000000000000:order-deleted",
	  .check = is_not_empty,
	  .expected = "the ARN of a topic",
	  .help = "The topic; an event that names another one is refused." },
	{ .name = "event_bus.endpoint", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_web_url_or_empty, .expected = A_URL,
	  .help =
		"Where events are delivered. Empty: /events/order-deleted "
		"under site.url." },
	{ .name = "event_bus.signature_versions", .type = CONFIG_TEXT,
	  .fallback = "2",
	  .check = is_signature_versions,
	  .expected = "2, or '1 2'",
	  .help = "The SNS signature versions that are accepted." },
	{ .name = "event_bus.dead_letter_arn", .type = CONFIG_TEXT,
	  .fallback = "",
	  .help =
		"The SQS queue that takes what SNS could not deliver to our "
		"endpoint; empty: none." },
	{ .name = "event_bus.certificate_door", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_door,
	  .expected = "an address such as 10.0.0.7:443",
	  .help =
		"Where SNS's signing certificate is fetched, as host:port, when "
		"the host it names cannot be reached directly. TLS is verified "
		"as that host's all the same." },
	{ .name = "event_bus.ca_file", .type = CONFIG_PATH,
	  .fallback = "",
	  .help =
		"The authorities (PEM) that vouch for that host; empty: the "
		"system's." },
	{ .name = "event_bus.directory", .type = CONFIG_PATH,
	  .fallback = "event_bus",
	  .help =
		"The key, certificate and subscription of the adapter "
		"'local'." },
	{ .name = "event_bus.attempts", .type = CONFIG_INT,
	  .fallback = "8", .min = 1, .max = 100,
	  .help = "Deliveries before an event is set aside as a dead letter." },
	{ .name = "image_recognizer.adapter", .type = CONFIG_TEXT,
	  .fallback = "local", .aws = "rekognition",
	  .check = is_not_empty, .expected = A_NAME,
	  .help =
		"What looks at photos: 'local' asks the program recognizer; "
		"with 'none' every verdict is not_checked." },
	{ .name = "image_recognizer.socket", .type = CONFIG_PATH,
	  .fallback = "run/recognizer.sock",
	  .help = "The socket of the recognizer." },
	{ .name = "image_recognizer.model", .type = CONFIG_PATH,
	  .fallback = "models/coco-ssd.model",
	  .help =
		"The network that the recognizer runs; `ordermill model "
		"install` makes it." },
	{ .name = "image_recognizer.second_model", .type = CONFIG_PATH,
	  .fallback = "models/open-images.model",
	  .help =
		"A second one, whose labels join the first's when the file is "
		"there; `ordermill model install open-images` makes it." },
	{ .name = "image_recognizer.min_confidence", .type = CONFIG_INT,
	  .fallback = "55", .min = 0, .max = 100,
	  .help =
		"Rekognition leaves out what it is less sure of, in percent." },
	{ .name = "image_recognizer.wordnet", .type = CONFIG_TEXT,
	  .fallback = "/usr/share/wordnet",
	  .help =
		"The folder of WordNet's files (Debian's wordnet-base), by "
		"which labels and descriptions are compared. Without them "
		"every verdict is not_checked." },
	{ .name = "mailer.adapter", .type = CONFIG_TEXT,
	  .fallback = "maildir", .aws = "smtp",
	  .check = is_not_empty,
	  .expected = "maildir, smtp or sns",
	  .help =
		"How mail leaves: by 'smtp', by an e-mail topic of 'sns', or "
		"into a 'maildir' to try the desk out." },
	{ .name = "mailer.topic_arn", .type = CONFIG_TEXT,
	  .fallback = "",
	  .help =
		"The e-mail topic of the adapter 'sns'. It keeps the readers, "
		"asks them to confirm and lets them unsubscribe." },
	{ .name = "mailer.directory", .type = CONFIG_PATH,
	  .fallback = "mail",
	  .help = "The folder of the adapter 'maildir'." },
	{ .name = "mailer.from", .type = CONFIG_TEXT,
	  .fallback = "Order desk <desk@localhost>",
	  .check = is_not_empty,
	  .expected = "an address such as Order desk <desk@example.org>",
	  .help = "The sender of every mail." },
	{ .name = "mailer.url", .type = CONFIG_TEXT,
	  .fallback = "smtp://127.0.0.1:25",
	  .check = is_mail_url,
	  .expected = "a URL that begins with smtp:// or smtps://",
	  .help = "The SMTP server." },
	{ .name = "mailer.tls", .type = CONFIG_TEXT,
	  .fallback = "try", .aws = "require",
	  .check = is_tls,
	  .expected = "never, try or require",
	  .help =
		"STARTTLS: 'never', 'try' (where the server offers it) or "
		"'require'." },
	{ .name = "mailer.user", .type = CONFIG_TEXT,
	  .fallback = "",
	  .help = "The account at the SMTP server; empty for none." },
	{ .name = "mailer.password_file", .type = CONFIG_PATH, .secret = true,
	  .fallback = "",
	  .help = "The account's password." },
	{ .name = "relay.socket", .type = CONFIG_PATH,
	  .fallback = "run/relay.sock",
	  .help = "The socket by which a deletion wakes the relay." },
	{ .name = "relay.sweep_after_s", .type = CONFIG_INT,
	  .fallback = "120", .min = 1, .max = 86400,
	  .help =
		"Seconds after which a deletion that is still open is archived "
		"by archive_deleted_orders." },
	{ .name = "relay.archive_url", .type = CONFIG_TEXT,
	  .fallback = "",
	  .check = is_web_url_or_empty, .expected = A_URL,
	  .help =
		"Where the relay calls archive_deleted_orders. Empty: "
		"/api/archive under site.url." },
	{ .name = "relay.token_file", .type = CONFIG_PATH, .secret = true,
	  .fallback = "secrets/relay.token",
	  .help = "The API token of the relay." },
	{ .name = "metrics.directory", .type = CONFIG_PATH,
	  .fallback = "run/metrics",
	  .help =
		"Where each program keeps its counters for /metrics. All "
		"programs of a desk write there." },
	{ .name = "backup.last_file", .type = CONFIG_PATH,
	  .fallback = "last_backup",
	  .help =
		"Names the last backup; 'ordermill backup' writes it." },
	{ .name = "aws.region", .type = CONFIG_TEXT,
	  .fallback = "",
	  .help =
		"The AWS region, such as eu-central-1. Empty: AWS_REGION, "
		"AWS_DEFAULT_REGION or the shared config file." },
	ENDPOINT("dynamodb"),
	ENDPOINT("s3"),
	ENDPOINT("sns"),
	ENDPOINT("rekognition"),
	ENDPOINT("sts"),
	{ .name = "aws.ca_file", .type = CONFIG_TEXT,
	  .fallback = "",
	  .help =
		"The certificates (PEM) that endpoints are checked against. "
		"Empty: the system's." },
	{ .name = "report.fonts", .type = CONFIG_PATH,
	  .fallback = "/usr/share/fonts",
	  .help = "The folder that is searched for the fonts of reports." },
	OPERATIONS(WORKERS)
	OPERATIONS(BATCH)
};

const size_t config_key_count = ARRAY_LEN(config_keys);

size_t config_key_find(struct str name)
{
	size_t i = 0;

	while (i < config_key_count && !str_is(name, config_keys[i].name))
		i++;
	return i;
}
