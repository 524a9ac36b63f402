package org.objmapper.endtoend;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.objmapper.client.Body;
import org.objmapper.client.DeleteOptions;
import org.objmapper.client.Durability;
import org.objmapper.client.Key;
import org.objmapper.client.ObjectMetadata;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.ObjmapperException;
import org.objmapper.client.Purge;
import org.objmapper.client.PutOptions;
import org.objmapper.client.StoredObject;

/**
 * A Java client that keeps objects and is read by threads, while others change these durably, as fast as they can, by way of another. A body is the
 * number of its change, again and again.
 */
final class StaleReaders implements AutoCloseable {
    private static final int WRITERS = 2;
    private static final int READERS = 2;
    private static final int KEYS = 8;
    private static final int SHORT = 16;
    private static final int LONG = 8_192;

    private final ObjmapperClient reading;
    private final ObjmapperClient writing;
    /** The last change of each key that was acknowledged. */
    private final AtomicLongArray acknowledged = new AtomicLongArray(WRITERS * KEYS);

    private final AtomicLong changes = new AtomicLong();
    private final AtomicLong hits = new AtomicLong();
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final List<Thread> threads = new ArrayList<>();

    StaleReaders(Path socket) {
        reading = ObjmapperClient.builder(socket)
                .cache(WRITERS * KEYS / 2, 1 << 20, 60_000)
                .build();
        writing = ObjmapperClient.builder(socket).build();
        for (int i = 0; i < WRITERS; i++) {
            int writer = i;
            start(() -> write(writer));
        }
        for (int i = 0; i < READERS; i++) {
            int seed = i;
            start(() -> read(new Random(seed)));
        }
    }

    private void start(Runnable work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
                e.printStackTrace();
            }
        });
        threads.add(thread);
        thread.start();
    }

    boolean areWell() {
        return failure.get() == null;
    }

    Throwable failure() {
        return failure.get();
    }

    long changes() {
        return changes.get();
    }

    long hits() {
        return hits.get();
    }

    private static String name(int writer, int key) {
        return "/w" + writer + "/k" + key;
    }

    private void write(int writer) {
        Random random = new Random(writer);
        for (long number = 1; !over.get(); number++) {
            int key = random.nextInt(KEYS);
            int what = random.nextInt(100);
            boolean all = what >= 95;
            try {
                if (all) {
                    writing.purge(everything(writer, random.nextInt(3)));
                } else {
                    change(writer, key, what, number);
                }
            } catch (ObjmapperException e) {
                continue; // nobody knows whether it happened, so it is not said to have
            }
            for (int k = all ? 0 : key; k < (all ? KEYS : key + 1); k++) {
                acknowledged.set(writer * KEYS + k, number);
            }
            changes.incrementAndGet();
        }
    }

    private static Purge everything(int writer, int way) {
        return switch (way) {
            case 0 -> Purge.prefix("/w" + writer + "/");
            case 1 -> Purge.tag("writer" + writer);
            default -> Purge.ban("req.url ~ ^/w" + writer + "/");
        };
    }

    private void change(int writer, int key, int what, long number) throws ObjmapperException {
        Key name = Key.of(name(writer, key));
        if (what < 70) {
            ByteBuffer body = ByteBuffer.allocate(key % 2 == 0 ? SHORT : LONG);
            while (body.hasRemaining()) {
                body.putLong(number);
            }
            writing.put(
                    name,
                    Body.of(body.flip()),
                    new PutOptions().durability(Durability.DURABLE).tag("writer" + writer));
        } else if (what < 85) {
            writing.delete(name, new DeleteOptions().durability(Durability.DURABLE));
        } else {
            writing.purge(Purge.key(name));
        }
    }

    private void read(Random random) {
        ObjectMetadata[] last = new ObjectMetadata[WRITERS * KEYS];
        while (!over.get() && areWell()) {
            int which = random.nextInt(WRITERS * KEYS);
            long least = acknowledged.get(which);
            try (StoredObject object = found(which).orElse(null)) {
                if (object != null) {
                    long number = number(object);
                    if (number < least) {
                        throw new AssertionError(name(which / KEYS, which % KEYS) + " was served as of change " + number
                                + ", though change " + least + " was acknowledged before it was asked for");
                    }
                    hits.addAndGet(object.metadata() == last[which] ? 1 : 0); // the very same that came before
                    last[which] = object.metadata();
                }
            } catch (IOException e) {
                Thread.onSpinWait(); // the server is being started
            }
        }
    }

    private Optional<StoredObject> found(int which) throws ObjmapperException {
        return reading.get(Key.of(name(which / KEYS, which % KEYS)));
    }

    private static long number(StoredObject object) throws IOException {
        if (object.length() == SHORT) {
            return ByteBuffer.wrap(object.bytes()).getLong();
        }
        ByteBuffer first = ByteBuffer.allocate(Long.BYTES);
        FileChannel channel = object.channel();
        while (first.hasRemaining() && channel.read(first, object.channelOffset() + first.position()) > 0) {
            continue;
        }
        return first.getLong(0);
    }

    /** Waits for the threads to have done with what they are at. */
    void end() throws InterruptedException {
        over.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Override
    public void close() throws InterruptedException {
        end();
        reading.close();
        writing.close();
    }
}
