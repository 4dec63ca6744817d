/* The one place that knows the version; it is what --version, the journal and logs say. */
#ifndef RINGBACK_BASE_VERSION_H
#define RINGBACK_BASE_VERSION_H

#define RINGBACK_VERSION "0.1.0"
#define RINGBACK_VERSION_DATE "November 30, 2026" /* of its last change; manual pages show it */

#endif
