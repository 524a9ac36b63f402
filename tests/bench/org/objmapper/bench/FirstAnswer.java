package org.objmapper.bench;

import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import org.objmapper.client.Body;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.PutOptions;
import org.objmapper.client.StoredObject;

/** How long a server with many objects takes from its exec to its first answer. */
final class FirstAnswer implements Side {
    private static final int IN_FLIGHT = 64;
    private static final int BODY = 200;

    private Path data;

    @Override
    public Sample measure(Lab lab) throws Exception {
        if (data == null) {
            data = lab.newDirectory("many-objects");
            fill(lab);
        }
        try (ObjmapperServer server = lab.start(Setup.DEFAULT, data);
                ObjmapperClient client =
                        ObjmapperClient.builder(server.socket()).build();
                StoredObject found = client.get(key(0)).orElseThrow()) {
            return Sample.of(Figure.FIRST_ANSWER, (System.nanoTime() - server.startedNanos) / 1e9);
        }
    }

    private void fill(Lab lab) throws Exception {
        Semaphore room = new Semaphore(IN_FLIGHT);
        try (ObjmapperServer server = lab.start(Setup.DEFAULT, data);
                ObjmapperClient client =
                        ObjmapperClient.builder(server.socket()).build()) {
            for (int i = 0; i < lab.scale().objects(); i++) {
                room.acquire();
                client.putAsync(key(i), Body.of(new byte[BODY]), new PutOptions())
                        .whenComplete((stored, failure) -> room.release());
            }
            room.acquire(IN_FLIGHT);
        }
    }

    private static Key key(int number) {
        return Key.of("https://bench.example/many/" + number);
    }
}
