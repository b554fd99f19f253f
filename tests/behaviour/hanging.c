/* SPDX-License-Identifier: ISC */
/*
 * A name service that hangs, for one user as long as the file FLAG is there, and for everybody as
 * long as FLAG-all is; it knows nobody itself. Built as libnss_MODULE.so.2 with -DMODULE=name -DFLAG="path" -DUSER="name" -DID=uid.
 */
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define JOIN(a, b, c)	a##b##c
#define NAME(module, f) JOIN(_nss_, module, f)

static enum nss_status hang(int is_him, int *error)
{
	while ((is_him && access(FLAG, F_OK) == 0) || access(FLAG "-all", F_OK) == 0)
		usleep(20000);
	*error = ENOENT;
	return NSS_STATUS_NOTFOUND;
}

enum nss_status NAME(MODULE, _getpwuid_r)(
    uid_t uid, struct passwd *pw, char *buf, size_t size, int *error)
{
	(void)pw;
	(void)buf;
	(void)size;
	return hang(uid == ID, error);
}

enum nss_status NAME(MODULE, _getpwnam_r)(
    const char *name, struct passwd *pw, char *buf, size_t size, int *error)
{
	(void)pw;
	(void)buf;
	(void)size;
	return hang(strcmp(name, USER) == 0, error);
}
