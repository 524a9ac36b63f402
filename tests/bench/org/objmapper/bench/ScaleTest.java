package org.objmapper.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.client.Body;
import org.objmapper.client.Durability;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.Purge;
import org.objmapper.client.PutOptions;
import org.objmapper.client.StoredObject;

/**
 * How a store does with many objects: one in ten stands in a file, the rest in the index. {@code -Dobjmapper.scale=10000,1000000} says how
 * many, one store after the other, and {@code -Dobjmapper.scale.directory=DIR} where; see docs/scale.md. What takes how long is printed
 * and not judged; what is found is.
 */
class ScaleTest {
    private static final long[] SIZES = Arrays.stream(
                    System.getProperty("objmapper.scale", "10000").split(","))
            .mapToLong(Long::parseLong)
            .toArray();
    private static final int INLINE_BYTES = 200;
    private static final int FILE_BYTES = 4_200;
    private static final int ONE_FILE_IN = 10;
    private static final int TAGGED = 100_000;
    private static final String TAG = "many";
    private static final int GETS = 50_000;
    private static final int IN_FLIGHT = 64;
    private static final Duration LONG = Duration.ofMinutes(30);

    private final Random random = new Random(1);

    @TempDir
    private Path temporary;

    @Test
    void aStoreOfManyObjectsAnswersAsOneOfFew() throws Exception {
        System.out.println(
                "ScaleTest: objects | puts/s inline | puts/s files | gets/s | misses/s | first answer ms | table whole ms"
                        + " | own bytes/object | of them table | index bytes/object | index in memory MiB | purged | purge ms");
        long ownBytesOfNone = ownBytesOfAnEmptyStore();
        for (long size : SIZES) {
            Path directory = Files.createDirectories(directory().resolve("scale-" + size));
            try {
                measure(directory, size, ownBytesOfNone);
            } finally {
                delete(directory);
            }
        }
    }

    private Path directory() {
        String chosen = System.getProperty("objmapper.scale.directory");
        return chosen == null ? temporary : Path.of(chosen);
    }

    private long ownBytesOfAnEmptyStore() throws Exception {
        Path directory = Files.createDirectories(directory().resolve("scale-0"));
        try (ObjmapperServer server = ObjmapperServer.start(directory);
                ObjmapperClient client = client(server)) {
            client.ping();
            return server.ownBytes();
        } finally {
            delete(directory);
        }
    }

    private void measure(Path directory, long size, long ownBytesOfNone) throws Exception {
        long files = size / ONE_FILE_IN;
        long tagged = Math.min(TAGGED, size / ONE_FILE_IN);
        StringBuilder row = new StringBuilder("ScaleTest: " + size);
        try (ObjmapperServer server = ObjmapperServer.start(directory);
                ObjmapperClient client = client(server)) {
            add(row, rate(size - files, i -> putInline(client, files + i, i < tagged)));
            add(row, rate(files, i -> putFile(client, i)));
            client.put(Key.of("last"), Body.of(new byte[1]), new PutOptions().durability(Durability.DURABLE));
            client.delete(Key.of("last"));
            long gets = Math.min(GETS, size * 5);
            add(row, rate(gets, i -> expect(client, key(Math.floorMod(random.nextLong(), size)), true)));
            add(row, rate(gets, i -> expect(client, "absent/" + i, false)));
        }
        try (ObjmapperServer server = ObjmapperServer.start(directory);
                ObjmapperClient client = client(server)) {
            expect(client, key(size - 1), true).get();
            add(row, millisSince(server.startedNanos));
            await().atMost(LONG)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> client.stat().get("objmapper_store_table_whole") == 1);
            add(row, millisSince(server.startedNanos));
            assertThat(client.stat()).containsEntry("objmapper_store_table_objects", size);
            add(row, (server.ownBytes() - ownBytesOfNone) / size);
            add(row, client.stat().get("objmapper_store_table_bytes") / size);
            add(row, server.indexBytes() / size);
            add(row, server.mappedBytes() >> 20);
            long began = System.nanoTime();
            assertThat(client.purge(Purge.tag(TAG))).isEqualTo(tagged);
            add(row, tagged);
            add(row, millisSince(began));
            expect(client, key(files), false).get();
            expect(client, key(files - 1), true).get();
            assertThat(client.stat()).containsEntry("objmapper_store_objects", size - tagged);
        }
        System.out.println(row);
    }

    private static ObjmapperClient client(ObjmapperServer server) {
        return ObjmapperClient.builder(server.socket())
                .timeoutMillis(LONG.toMillis())
                .build();
    }

    private static String key(long number) {
        return "scale/" + number;
    }

    private static CompletableFuture<?> putInline(ObjmapperClient client, long number, boolean tagged) {
        PutOptions options = tagged ? new PutOptions().tag(TAG) : new PutOptions();
        return client.putAsync(Key.of(key(number)), Body.of(new byte[INLINE_BYTES]), options);
    }

    private static CompletableFuture<?> putFile(ObjmapperClient client, long number) {
        return client.putAsync(Key.of(key(number)), Body.of(new byte[FILE_BYTES]), new PutOptions());
    }

    private static CompletableFuture<?> expect(ObjmapperClient client, String key, boolean there) {
        return client.getAsync(Key.of(key), new GetOptions()).thenAccept(found -> {
            found.ifPresent(ScaleTest::close);
            assertThat(found.isPresent()).as(key).isEqualTo(there);
        });
    }

    private static void close(StoredObject found) {
        try {
            found.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How many of the requests are answered each second, some of them always in flight. */
    private static long rate(long count, LongFunction<CompletableFuture<?>> request) throws Exception {
        Semaphore room = new Semaphore(IN_FLIGHT);
        AtomicReference<Throwable> failed = new AtomicReference<>();
        AtomicLong answered = new AtomicLong();
        long began = System.nanoTime();
        for (long i = 0; i < count && failed.get() == null; i++) {
            room.acquire();
            request.apply(i).whenComplete((answer, failure) -> {
                if (failure != null) {
                    failed.set(failure);
                }
                answered.incrementAndGet();
                room.release();
            });
        }
        room.acquire(IN_FLIGHT);
        assertThat(failed.get()).isNull();
        assertThat(answered.get()).isEqualTo(count);
        return count * 1_000_000_000L / Math.max(1, System.nanoTime() - began);
    }

    private static long millisSince(long nanos) {
        return (System.nanoTime() - nanos) / 1_000_000;
    }

    private static void add(StringBuilder row, long figure) {
        row.append(" | ").append(String.format(Locale.ROOT, "%,d", figure));
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
                Files.delete(file);
            }
        }
    }
}
