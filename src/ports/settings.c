/*
 * settings.c: the settings, and the secret that is made at the first start.
 */
#include "ports/settings.h"

#include "base/crypto.h"
#include "base/secret_file.h"

#include "base/banned.h"

#define SECRET_BYTES 32

static bool make_secret(const char *path, struct error *err)
{
	uint8_t secret[SECRET_BYTES];
	char line[2 * SECRET_BYTES + 1];

	random_bytes(secret, sizeof(secret));
	hex_encode(secret, sizeof(secret), line);
	return secret_file_ensure(path, str_from(line), err);
}

static bool read_secret(struct str *ret, const struct config *config,
			const char *path, struct error *err)
{
	CLEANUP(cleanup_free) char *line = NULL;
	uint8_t *secret;

	if (!config_secret(config, "site.secret_file", &line, err))
		return false;
	secret = malloc(SECRET_BYTES);
	if (!secret || !hex_decode(str_from(line), secret, SECRET_BYTES)) {
		free(secret);
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s: must hold 64 hexadecimal digits", path);
	}
	*ret = (struct str){ (const char *)secret, SECRET_BYTES };
	return true;
}

bool settings_open(struct settings *ret, const struct config *config,
		   struct error *err)
{
	const char *path = config_text(config, "site.secret_file");

	*ret = (struct settings){
		.site_url = config_text(config, "site.url"),
		.site_name = config_text(config, "site.name"),
		.currency = config_text(config, "orders.currency"),
		.link_valid_s = (unsigned)config_int(
			config, "object_archive.link_valid_s"),
		.fonts = config_text(config, "report.fonts"),
		.require_if_match = config_bool(config,
						"orders.require_if_match"),
	};
	return make_secret(path, err) &&
	       read_secret(&ret->secret, config, path, err);
}
