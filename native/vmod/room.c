#include "cache/cache_varnishd.h"

#include "room.h"

int room_for(struct ws *ws, size_t bytes)
{
	enum { ALIGNMENT = 64 }; /* of the pieces, together */
	unsigned room = WS_ReserveAll(ws);

	WS_Release(ws, 0);
	return (bytes + ALIGNMENT <= room);
}
