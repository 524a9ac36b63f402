#include <dlfcn.h>
#include <pthread.h>

#include "cache/cache_varnishd.h"

#include "loaded.h"

static void stay(void)
{
	static const char here;
	Dl_info module;

	AN(dladdr(&here, &module));
	AN(dlopen(module.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE));
}

void stay_loaded(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	AZ(pthread_once(&once, stay));
}
