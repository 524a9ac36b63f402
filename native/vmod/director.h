/* The backend that asks the store first. */
#ifndef OBJMAPPER_VMOD_DIRECTOR_H
#define OBJMAPPER_VMOD_DIRECTOR_H

struct vdi_methods;

/* Its priv is the store. */
extern const struct vdi_methods director_methods;

#endif
