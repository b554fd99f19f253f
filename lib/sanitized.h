/* SPDX-License-Identifier: ISC */
/* SANITIZED_ADDRESS: 1 in a build with the address sanitizer, which each compiler tells its own way. */
#ifndef LIB_SANITIZED_H
#define LIB_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED_ADDRESS 1
#endif
#endif

#ifndef SANITIZED_ADDRESS
#define SANITIZED_ADDRESS 0
#endif

#endif
