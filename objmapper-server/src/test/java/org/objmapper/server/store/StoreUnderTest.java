package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.DeviceOptions;

/** A store whose callers wait for its answers, with a clock that the test moves. */
final class StoreUnderTest implements AutoCloseable {
    private static final long MINUTES = 5;

    final AtomicLong nowMillis = new AtomicLong(System.currentTimeMillis());
    private final StoreOptions options;
    private final IntFunction<ByteBuffer> memory;
    private final LongSupplier clock;
    private Store store;

    StoreUnderTest(Path directory) throws IOException {
        this(StoreOptions.of(directory));
    }

    StoreUnderTest(StoreOptions options) throws IOException {
        this(options, ByteBuffer::allocateDirect);
    }

    /** One that gets the memory for what it finds from the test. */
    StoreUnderTest(StoreOptions options, IntFunction<ByteBuffer> memory) throws IOException {
        this.options = options;
        this.memory = memory;
        this.clock = nowMillis::get;
        this.store = Store.open(options, clock, memory);
    }

    /** One with a clock of the test's. */
    StoreUnderTest(Path directory, LongSupplier clock) throws IOException {
        this.options = StoreOptions.of(directory);
        this.memory = ByteBuffer::allocateDirect;
        this.clock = clock;
        this.store = Store.open(options, clock, memory);
    }

    /** The usual options, with another bound of the memory of hot objects. */
    static StoreOptions hotBytes(Path directory, long bytes) {
        StoreOptions usual = StoreOptions.of(directory);
        return usual.withHot(usual.hotObjects(), bytes);
    }

    /** The usual options, with another bound of hot objects. */
    static StoreOptions hotObjects(Path directory, int count) {
        StoreOptions usual = StoreOptions.of(directory);
        return usual.withHot(count, usual.hotBytes());
    }

    Store store() {
        return store;
    }

    void reopen() throws IOException {
        store.close();
        store = Store.open(options, clock, memory);
    }

    /** What a GET sees: the object is pinned by no one, all of it is copied. */
    record Seen(long generation, byte[] body, ObjectMetadata metadata, long expiryMillis, boolean inFile) {}

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static Put plain(String key) {
        return new Put(bytes(key), new ObjectMetadata(), -1, false, null, null, null, false);
    }

    static Put durable(String key) {
        return new Put(bytes(key), new ObjectMetadata(), -1, false, null, null, null, true);
    }

    static Put with(String key, ObjectMetadata metadata, long ttlMillis) {
        return new Put(bytes(key), metadata, ttlMillis, false, null, null, null, false);
    }

    static ObjectMetadata evictability(boolean evictable) {
        return new ObjectMetadata().set(MetadataType.EVICTABLE, new byte[] {(byte) (evictable ? 1 : 0), 0, 0, 0});
    }

    Result put(Put put, byte[] body) {
        return put(put, body, body.length);
    }

    /** A body of a session's own. */
    BodyWriter receive(long declared, Runnable progress) {
        return store.receive(bytes("key"), store.newUploadShare(), declared, progress);
    }

    /** Puts a body that is said to have {@code declared} bytes. */
    Result put(Put put, byte[] body, long declared) {
        return put(store.newUploadShare(), put, body, declared);
    }

    /** The same in a session with others. */
    Result put(UploadShare share, Put put, byte[] body, long declared) {
        Semaphore progress = new Semaphore(0);
        BodyWriter writer = store.receive(put.key(), share, declared, progress::release);
        ByteBuffer buffer = ByteBuffer.wrap(body);
        int at = 0;
        while (at < body.length) {
            int taken = writer.write(buffer, at, body.length - at);
            at += taken;
            if (at < body.length) {
                acquire(progress);
            }
        }
        CompletableFuture<Result> answer = new CompletableFuture<>();
        writer.finish(put, answer::complete);
        return await(answer);
    }

    private static void acquire(Semaphore progress) {
        try {
            assertThat(progress.tryAcquire(MINUTES, TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    long putOk(String key, byte[] body) {
        Result result = put(plain(key), body);
        assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
        return result.generation();
    }

    Result putDescriptor(Put put, int descriptor, long length, int uid) {
        return await(answer -> store.putDescriptor(put, descriptor, length, uid, answer));
    }

    Result delete(String key) {
        return delete(key, null, false);
    }

    Result delete(String key, Long ifGeneration, boolean durable) {
        return await(answer -> assertThat(store.delete(bytes(key), ifGeneration, durable, answer))
                .isTrue());
    }

    Result touch(String key, ObjectMetadata changes, Long ttlMillis) {
        return touch(key, changes, ttlMillis, false);
    }

    Result touchDurably(String key, Long ttlMillis) {
        return touch(key, new ObjectMetadata(), ttlMillis, true);
    }

    private Result touch(String key, ObjectMetadata changes, Long ttlMillis, boolean durable) {
        return await(answer -> assertThat(store.touch(bytes(key), changes, ttlMillis, null, durable, answer))
                .isTrue());
    }

    Result purgeKey(String key, boolean soft) {
        return await(
                answer -> assertThat(store.purgeKey(bytes(key), soft, answer)).isTrue());
    }

    Result purgePrefix(String prefix, boolean soft) {
        return await(answer ->
                assertThat(store.purgePrefix(bytes(prefix), soft, answer)).isTrue());
    }

    Result purgeTag(String tag, boolean soft) {
        return await(
                answer -> assertThat(store.purgeTag(bytes(tag), soft, answer)).isTrue());
    }

    Result ban(String expression, boolean soft) {
        return await(
                answer -> assertThat(store.ban(bytes(expression), soft, answer)).isTrue());
    }

    private interface Question {
        void ask(Result.Outcome outcome);
    }

    private static Result await(Question question) {
        CompletableFuture<Result> answer = new CompletableFuture<>();
        question.ask(answer::complete);
        return await(answer);
    }

    static <T> T await(CompletableFuture<T> answer) {
        return answer.orTimeout(MINUTES, TimeUnit.MINUTES).join();
    }

    /** What stands under a key, unexpired; null for nothing. Looks in the tables first, as a GET does. */
    Seen get(String key) {
        Seen seen = getExpiredToo(key);
        return seen == null || (seen.expiryMillis != Long.MAX_VALUE && nowMillis.get() >= seen.expiryMillis)
                ? null
                : seen;
    }

    /** The store hears of a request that gets the object. */
    void use(String key, RequestHeaders headers) {
        StoredObject object = pin(key, headers);
        if (object != null) {
            store.found(object);
            object.unpin();
        }
    }

    Seen getExpiredToo(String key) {
        return getVariant(key, new RequestHeaders());
    }

    /** What a request with these headers gets, expired or not; null for nothing. */
    Seen getVariant(String key, RequestHeaders headers) {
        StoredObject object = pin(key, headers);
        if (object == null) {
            return null;
        }
        try {
            return copy(object);
        } finally {
            object.unpin();
        }
    }

    /** The object under a key, pinned; null for nothing. */
    StoredObject pin(String key) {
        return pin(key, new RequestHeaders());
    }

    /** The object that a request with these headers gets, pinned; null for nothing. */
    StoredObject pin(String key, RequestHeaders headers) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes(key));
        long hash = store.hash(buffer, 0, buffer.limit());
        StoredObject object = store.hot(hash, buffer, 0, buffer.limit(), headers);
        if (object != null || headers.unmatched() != null) {
            return object;
        }
        if (store.isAbsent(buffer, 0, buffer.limit())) {
            return null;
        }
        CompletableFuture<StoredObject> answer = new CompletableFuture<>();
        assertThat(store.lookup(buffer.array(), hash, headers, (found, failure) -> {
                    if (failure == null) {
                        answer.complete(found);
                    } else {
                        answer.completeExceptionally(failure);
                    }
                }))
                .isTrue();
        return await(answer);
    }

    private static Seen copy(StoredObject object) {
        byte[] metadata = new byte[object.metadata().limit()];
        object.metadata().get(0, metadata);
        return new Seen(
                object.generation(),
                body(object),
                ObjectMetadata.decode(metadata),
                object.expiryMillis(),
                object.inlineBody() == null);
    }

    static byte[] body(StoredObject object) {
        byte[] body = new byte[(int) object.length()];
        ByteBuffer inline = object.inlineBody();
        if (inline != null) {
            inline.get(0, body);
            return body;
        }
        ByteBuffer read = ByteBuffer.allocateDirect(body.length + 1);
        int have = 0;
        long count;
        do {
            count = NativeIo.read(object.descriptor(), NativeIo.address(read) + have, read.capacity() - have, have);
            assertThat(count).isNotNegative();
            have += (int) count;
        } while (count > 0);
        assertThat(have).as("bytes in the file").isEqualTo(body.length);
        read.get(0, body);
        return body;
    }

    /** Some bytes of a body, read where they stand. */
    static byte[] range(StoredObject object, int from, int length) {
        byte[] range = new byte[length];
        ByteBuffer inline = object.inlineBody();
        if (inline != null) {
            inline.get(from, range);
            return range;
        }
        ByteBuffer read = ByteBuffer.allocateDirect(length + 1);
        assertThat(NativeIo.read(object.descriptor(), NativeIo.address(read), length, from))
                .isEqualTo(length);
        read.get(0, range);
        return range;
    }

    record Page(List<ListEntry> entries, byte[] cursor, StoreException failure) {}

    Page list(String prefix, byte[] cursor, int limit) {
        CompletableFuture<Page> answer = new CompletableFuture<>();
        assertThat(store.list(bytes(prefix), cursor, limit, page -> answer.complete(taken(page))))
                .isTrue();
        return await(answer);
    }

    private static Page taken(ListedPage page) {
        try (page) {
            return new Page(page.entries(), page.cursor(), page.failure());
        }
    }

    /** All keys that start so, page by page. */
    List<String> keys(String prefix, int limit) {
        List<String> keys = new ArrayList<>();
        byte[] cursor = null;
        do {
            Page page = list(prefix, cursor, limit);
            assertThat(page.failure()).isNull();
            assertThat(page.entries()).hasSizeLessThanOrEqualTo(limit);
            page.entries().forEach(entry -> keys.add(new String(entry.key(), StandardCharsets.UTF_8)));
            cursor = page.cursor();
        } while (cursor != null);
        return keys;
    }

    /** A u64 among an object's metadata. */
    static Long u64(Seen seen, MetadataType type) {
        byte[] encoded = seen.metadata().encode();
        MetadataReader reader =
                new MetadataReader().trust(ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN), 0, encoded.length);
        return reader.find(type) ? reader.u64() : null;
    }

    static byte[] value(Seen seen, int type) {
        byte[] encoded = seen.metadata().encode();
        MetadataReader reader =
                new MetadataReader().trust(ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN), 0, encoded.length);
        while (reader.next()) {
            if (reader.type() == type) {
                return reader.bytes();
            }
        }
        return null;
    }

    long figure(String name) {
        return store.metrics()
                .text()
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .map(line -> Long.parseLong(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow();
    }

    /** The object files that are there. */
    /** The bodies' files on all devices. */
    List<Path> objectFiles() throws IOException {
        List<Path> files = new ArrayList<>(objectFiles(options.directory()));
        for (DeviceOptions device : options.moreDevices()) {
            files.addAll(objectFiles(device.directory()));
        }
        return files;
    }

    /** An answer to a command. */
    record Told(Status status, String text) {}

    /** What a command of {@code objmapper device} is answered. */
    Told tell(String... words) {
        CompletableFuture<Told> answer = new CompletableFuture<>();
        assertThat(store().manage(List.of(words), (status, text) -> answer.complete(new Told(status, text))))
                .isTrue();
        return await(answer);
    }

    /** A memfd that nobody can change. */
    static int sealed(byte[] body) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(body.length + 1).put(body);
        int descriptor = NativeIo.sealedMemory(NativeIo.address(bytes), body.length);
        assertThat(descriptor).isNotNegative();
        return descriptor;
    }

    static List<Path> objectFiles(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("objects"))) {
            return files.filter(Files::isRegularFile).collect(Collectors.toList());
        }
    }

    @Override
    public void close() {
        store.close();
    }
}
