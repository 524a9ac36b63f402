package org.objmapper.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.objmapper.client.Body;
import org.objmapper.client.DeleteOptions;
import org.objmapper.client.Durability;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.ObjectMetadata;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.ObjmapperException;
import org.objmapper.client.Purge;
import org.objmapper.client.PutOptions;
import org.objmapper.protocol.Mode;

/**
 * One client session that does some of everything, several requests at a time. Most of its keys are its own, and have one change at a
 * time, so that it knows what a TOUCH meets; others it shares with all writers. Purges take the keys of others too. Under some keys there
 * are several objects, each with a variant: each has a name of its own, which the key is the beginning of.
 */
final class Writer implements AutoCloseable {
    static final int WRITERS = 4;
    static final List<Mode> MODES = List.of(Mode.FDPASS, Mode.COPY, Mode.SPLICE, Mode.AUTO);

    /** More than a purge takes in one step. */
    private static final int OWN_KEYS = 300;

    private static final int KEYS_OF_A_GROUP = 20;
    private static final int SHARED_KEYS = 40;
    /** One own key in so many has an object of each variant. */
    private static final int KEYS_TO_ONE_WITH_VARIANTS = 10;

    private static final char BEFORE_VARIANT = '~';
    private static final List<String> VARIANTS = List.of("de", "en", "fr");
    private static final Set<String> ALL_NAMES = Set.copyOf(allKeys());
    private static final int TAGS = 64;
    /** The tag of one version in four, so that a purge of it takes some time. */
    private static final String COMMON_TAG = "common";

    private static final String HEADER = "accept-language";

    private static final int LONGEST_TTL_MILLIS = 3_000;
    /** Files up to here are not passed as descriptors. */
    private static final int LONGEST_READ = 131_072;

    private static final int IN_FLIGHT = 12;
    private static final Duration LONG = Duration.ofMinutes(2);

    private final Path uploads;
    private final Ledger ledger;
    private final Random random;
    private final Queue<Throwable> failures;
    private final ObjmapperClient client;
    private final Semaphore room = new Semaphore(IN_FLIGHT);
    private final List<String> names;
    private final Map<String, Version> own = new ConcurrentHashMap<>();
    private final Thread thread = new Thread(this::work, "writer");
    private final Phase phase;
    private volatile boolean ending;

    /** One that sees to it that the server is often in a phase. {@code uploads} is for files that are stored by their descriptors. */
    Writer(
            int number,
            Phase phase,
            Path socket,
            Path uploads,
            Ledger ledger,
            long seed,
            Executor executor,
            Queue<Throwable> failures) {
        this.names = ownNames(number);
        this.phase = phase;
        this.uploads = uploads;
        this.ledger = ledger;
        this.random = new Random(seed);
        this.failures = failures;
        client = client(socket, executor);
    }

    static ObjmapperClient client(Path socket, Executor executor) {
        return ObjmapperClient.builder(socket)
                .poolSize(1)
                .connectTimeoutMillis(LONG.toMillis())
                .timeoutMillis(LONG.toMillis())
                .executor(executor)
                .build();
    }

    static List<String> allKeys() {
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < SHARED_KEYS; i++) {
            keys.add(sharedKey(i));
        }
        for (int writer = 0; writer < WRITERS; writer++) {
            keys.addAll(ownNames(writer));
        }
        return keys;
    }

    private static List<String> ownNames(int writer) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < OWN_KEYS; i++) {
            names.addAll(
                    i % KEYS_TO_ONE_WITH_VARIANTS == 0 ? variantsOf(ownKey(writer, i)) : List.of(ownKey(writer, i)));
        }
        return names;
    }

    private static List<String> variantsOf(String key) {
        return VARIANTS.stream().map(variant -> key + BEFORE_VARIANT + variant).toList();
    }

    /** The key of an object with a name. */
    static String keyOf(String name) {
        int end = name.indexOf(BEFORE_VARIANT);
        return end < 0 ? name : name.substring(0, end);
    }

    /** The names of all objects that may be under a key. */
    static List<String> namesOf(String key) {
        return ALL_NAMES.contains(key) ? List.of(key) : variantsOf(key);
    }

    static boolean isOneOfSeveral(String name) {
        return name.indexOf(BEFORE_VARIANT) >= 0;
    }

    private static String ownPrefix(int writer) {
        return "writer" + writer + "/";
    }

    private static String ownKey(int writer, int i) {
        return ownPrefix(writer) + i / KEYS_OF_A_GROUP + "/" + i;
    }

    private static String sharedKey(int i) {
        return "shared/" + i;
    }

    /** Begins, with what stands under its own keys. */
    void start(Map<String, Version> standing) {
        names.forEach(name -> own.put(name, standing.get(name)));
        thread.start();
    }

    /** From here on nothing that fails is a surprise. */
    void expectTheEnd() {
        ending = true;
    }

    private void work() {
        try {
            while (!ending) {
                room.acquireUninterruptibly();
                CompletableFuture<?> request = next();
                request.whenComplete((unused, failure) -> {
                    if (failure != null) {
                        failures.add(failure);
                    }
                    room.release();
                });
            }
        } catch (RuntimeException | Error e) {
            room.release();
            if (!ending) {
                failures.add(e);
            }
        }
    }

    private CompletableFuture<?> next() {
        int choice = random.nextInt(1_000);
        if (choice < 30) {
            return purge();
        } else if (choice < 250) {
            List<String> keys = allKeys();
            return get(keys.get(random.nextInt(keys.size())));
        } else if (choice < 400) {
            return changeShared(sharedKey(random.nextInt(SHARED_KEYS)));
        }
        return changeOwn(names.get(random.nextInt(names.size())));
    }

    private CompletableFuture<?> purge() {
        String prefix = ownPrefix(random.nextInt(WRITERS));
        int group = random.nextInt(OWN_KEYS / KEYS_OF_A_GROUP);
        return switch (phase) {
            case PURGING_PREFIXES -> purge(prefix, "", false);
            case PURGING_TAGS -> purge("", COMMON_TAG, false);
            case BANNING -> random.nextBoolean() ? purge(prefix, "", true) : purge("", COMMON_TAG, true);
            default ->
                switch (random.nextInt(20)) {
                    case 0 -> purge(prefix, "", random.nextBoolean());
                    case 1, 2, 3, 4, 5, 6 -> purge(prefix + group + "/", "", random.nextBoolean());
                    default -> purge("", tag(), random.nextBoolean());
                };
        };
    }

    private String tag() {
        return random.nextInt(4) == 0 ? COMMON_TAG : "tag" + random.nextInt(TAGS);
    }

    private long ttlMillis() {
        return random.nextInt(6) == 0 ? random.nextInt(LONGEST_TTL_MILLIS) : PutOptions.NEVER;
    }

    // ---- changes

    private CompletableFuture<?> changeShared(String key) {
        return random.nextInt(5) == 0 ? delete(key, unused -> {}) : put(key, newBody(), unused -> {});
    }

    private CompletableFuture<?> changeOwn(String key) {
        Version standing = own.remove(key);
        if (standing == null) {
            return get(key); // it has a change under way
        }
        Known known = version -> own.put(key, version);
        int choice = random.nextInt(10);
        if (choice < 2 && isOneOfSeveral(key)) {
            known.as(standing); // a TOUCH that meets nothing takes it for possible
            return purgeKey(keyOf(key));
        } else if (choice < 2) {
            return delete(key, known);
        } else if (choice < 4 && standing != Version.NOTHING) {
            return touch(key, ledger.newTouch(standing, tag(), ttlMillis()), known);
        }
        return put(key, newBody(), known);
    }

    /** Takes what stands under a key when its change has ended. */
    private interface Known {
        void as(Version version);
    }

    private Version newBody() {
        return ledger.newBody(length(), tag(), ttlMillis());
    }

    private int length() {
        return switch (random.nextInt(20)) {
            case 0 -> random.nextInt(3);
            case 1 -> StoreDirectory.LONGEST_IN_INDEX + random.nextInt(2);
            case 2 -> (random.nextBoolean() ? LONGEST_READ : 1_000_000) + random.nextInt(2_000_000);
            case 3, 4, 5, 6, 7, 8 -> random.nextInt(StoreDirectory.LONGEST_IN_INDEX);
            default -> random.nextInt(100_000);
        };
    }

    private Durability durability() {
        return random.nextBoolean() ? Durability.DURABLE : Durability.RELAXED;
    }

    /** The only object under one key in three has a variant too, and is found by that alone. */
    private static boolean isVaried(String key) {
        return isOneOfSeveral(key) || key.hashCode() % 3 == 0;
    }

    /** What gets the object under a key. */
    static GetOptions asking(String key) {
        GetOptions options = new GetOptions();
        return isVaried(key) ? options.requestHeader(HEADER, key) : options;
    }

    private static PutOptions options(String key, Version version) {
        byte[] number =
                ByteBuffer.allocate(Long.BYTES).putLong(version.number()).array();
        PutOptions options = new PutOptions();
        return (isVaried(key) ? options.variant(HEADER, key) : options)
                .tag(version.tag())
                .contentType(version.tag())
                .ttlMillis(version.ttlMillis())
                .opaque(number)
                .evictable(version.isEvictable());
    }

    private CompletableFuture<?> put(String key, Version version, Known known) {
        Durability durability = durability();
        Path file = version.length() > LONGEST_READ && random.nextBoolean() ? upload(version) : null;
        Body body = file == null ? Body.of(version.bytes()) : Body.of(file);
        PutOptions options = options(key, version).durability(durability);
        Change change = ledger.begin(key, version, durability == Durability.DURABLE);
        return client.putAsync(Key.of(keyOf(key)), body, options).handle((reply, failure) -> {
            remove(file);
            if (failure == null) {
                changed(change, reply, known);
            } else {
                failed(failure, () -> ledger.withdraw(change));
            }
            return null;
        });
    }

    /** A body as a file, whose descriptor the client passes. */
    private Path upload(Version version) {
        try {
            return Files.write(uploads.resolve(Long.toString(version.number())), version.bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void remove(@Nullable Path file) {
        try {
            if (file != null) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private CompletableFuture<?> touch(String key, Version version, Known known) {
        Durability durability = durability();
        PutOptions options = options(key, version).durability(durability);
        Change change = ledger.begin(key, version, durability == Durability.DURABLE);
        return client.touchAsync(Key.of(keyOf(key)), options).handle((reply, failure) -> {
            if (failure != null) {
                failed(failure, () -> ledger.withdraw(change));
            } else if (reply.isPresent()) {
                changed(change, reply.get(), known);
            } else {
                foundNothing(change, known);
            }
            return null;
        });
    }

    private CompletableFuture<?> delete(String key, Known known) {
        Durability durability = durability();
        Change change = ledger.begin(key, Version.NOTHING, durability == Durability.DURABLE);
        DeleteOptions options = new DeleteOptions().durability(durability);
        return client.deleteAsync(Key.of(keyOf(key)), options).handle((found, failure) -> {
            if (failure != null) {
                failed(failure, () -> ledger.withdraw(change));
            } else if (found) {
                ledger.acknowledge(change);
                known.as(Version.NOTHING);
            } else {
                foundNothing(change, known);
            }
            return null;
        });
    }

    private void changed(Change change, ObjectMetadata reply, Known known) {
        ledger.acknowledge(change);
        ledger.expectNewGeneration(change.left, reply.generation());
        known.as(change.left);
    }

    private void foundNothing(Change change, Known known) {
        ledger.withdraw(change);
        ledger.expectVisible(change.key, Version.NOTHING, change.begun);
        known.as(Version.NOTHING);
    }

    /** By prefix or by tag, one of which is empty; as a ban what begins so, or has that media type, which is its tag. */
    private CompletableFuture<?> purge(String prefix, String tag, boolean asBan) {
        Purge purge;
        if (asBan) {
            purge = Purge.ban(tag.isEmpty() ? "req.url ~ ^" + prefix : "obj.http.content-type == " + tag);
        } else {
            purge = tag.isEmpty() ? Purge.prefix(prefix) : Purge.tag(tag);
        }
        return purge(purge, ledger.beginPurge("", prefix, tag));
    }

    /** All objects under a key. */
    private CompletableFuture<?> purgeKey(String key) {
        return purge(Purge.key(Key.of(key)), ledger.beginPurge(key, "", ""));
    }

    private CompletableFuture<?> purge(Purge purge, PurgeRun run) {
        boolean soft = random.nextInt(4) == 0;
        return client.purgeAsync(soft ? purge.soft() : purge).handle((count, failure) -> {
            if (failure == null) {
                ledger.acknowledge(run);
            } else {
                failed(failure, () -> ledger.withdraw(run));
            }
            return null;
        });
    }

    // ---- reading

    private CompletableFuture<?> get(String key) {
        long asked = ledger.now();
        GetOptions options = asking(key).mode(MODES.get(random.nextInt(MODES.size())));
        return client.getAsync(Key.of(keyOf(key)), options).handle((found, failure) -> {
            if (failure == null) {
                ledger.expectVisible(key, Seen.of(found, ledger), asked);
            } else {
                failed(failure, () -> {});
            }
            return null;
        });
    }

    /** A request may fail when the server was killed, and when it had too much to do; then it had no effect. */
    private void failed(Throwable failure, Runnable withdraw) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        if (cause instanceof ObjmapperException refused && refused.hadNoEffect()) {
            withdraw.run();
        } else if (!ending) {
            throw new AssertionError("a request failed while the server was there", cause);
        }
    }

    /** Ends its session and waits until no request is left. */
    @Override
    public void close() {
        ending = true;
        client.close();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        room.acquireUninterruptibly(IN_FLIGHT);
    }
}
