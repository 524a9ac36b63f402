/* What has to stay when every VCL that has loaded the module is gone. */
#ifndef OBJMAPPER_VMOD_LOADED_H
#define OBJMAPPER_VMOD_LOADED_H

/* From now on the module is not unloaded before the process ends: for what outlives the VCLs, objects and threads. */
void stay_loaded(void);

#endif
