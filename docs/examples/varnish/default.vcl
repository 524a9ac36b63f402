# A cache that restarts warm: Varnish before an origin, with an objmapper store behind it.
#
#   objmapperd with a socket that Varnish's user may connect to (mode = "0660", group = "varnish"), then
#   varnishd -a :6081 -f docs/examples/varnish/default.vcl -p vmod_path=target/dist/lib/varnish/vmods:/usr/lib/x86_64-linux-gnu/varnish/vmods
#
# packaging/try-varnish runs it with everything that it needs.
vcl 4.1;

import objmapper;

backend origin {
	.host = "127.0.0.1";
	.port = "8080";
}

acl purgers {
	"localhost";
}

sub vcl_init {
	new om = objmapper.store("/run/objmapper/objmapper.sock");
}

sub vcl_recv {
	# PURGE takes one page and its variants, BAN what an expression says. Both take Varnish's and the store's.
	if (req.method == "PURGE" || req.method == "BAN") {
		if (client.ip !~ purgers) {
			return (synth(405));
		}
		if (req.method == "PURGE") {
			return (purge);
		}
		if (!om.ban(req.http.X-Ban)) {
			return (synth(503, "not banned"));
		}
		return (synth(200, "banned"));
	}
}

sub vcl_purge {
	if (!om.purge()) {
		return (synth(503, "store not purged"));
	}
}

sub vcl_backend_fetch {
	set bereq.backend = om.backend();
}

sub vcl_backend_response {
	om.tee(tags = beresp.http.xkey);
	set beresp.grace = 1h;
	set beresp.http.X-From = "origin";
	if (om.hit()) {
		set beresp.http.X-From = "store";
	}
}

sub vcl_deliver {
	if (obj.hits > 0) {
		set resp.http.X-From = "varnish";
	}
}
