package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.store.device.BodyFile;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.FilePublisher;
import org.objmapper.server.store.device.NewFile;
import org.objmapper.server.store.index.ObjectKey;

@Timeout(120)
class KeyChangesTest {
    @TempDir
    Path directory;

    private final ObjectKey key = new ObjectKey(StoreUnderTest.bytes("key"));
    private final KeyChanges changes = new KeyChanges(key);
    private final Semaphore settled = new Semaphore(0);
    private Device device;
    private FilePublisher publisher;

    @BeforeEach
    void open() throws Exception {
        device = Device.open(directory);
        publisher = new FilePublisher(device, files -> settled.release(files.size()));
    }

    @AfterEach
    void close() {
        publisher.close();
        changes.all().forEach(change -> discard(change.file()));
        device.close();
    }

    private void discard(@Nullable NewFile file) {
        if (file != null) {
            file.discard();
        }
    }

    private Change add(@Nullable NewFile file) {
        Change change = new Change(key, null, null, file, null, Result.ok(1, 0));
        changes.add(change);
        return change;
    }

    private Change onItsWay(long generation) throws Exception {
        return add(new NewFile(device, new BodyFile(device).finish(true), true, key.digest(), generation));
    }

    private void settle(Change change) throws InterruptedException {
        publisher.publish(List.of(change.file()));
        settled.acquire();
    }

    private Change lost(long generation) throws InterruptedException {
        Change change = add(new NewFile(device, -1, false, key.digest(), generation));
        settle(change);
        return change;
    }

    @Test
    void aChangeWithoutABodyIsMadeAtOnceAndMakesThoseBeforeItNeedless() throws Exception {
        Change before = onItsWay(1);
        Change delete = add(null);
        KeyChanges.Settled part = changes.settle();
        assertThat(part.winner()).isSameAs(delete);
        assertThat(part.superseded()).containsExactly(before);
        assertThat(changes.isEmpty()).isTrue();
        discard(before.file());
    }

    @Test
    void aChangeWhoseBodyIsOnItsWayHoldsBackNoneBeforeIt() throws Exception {
        Change first = onItsWay(1);
        Change second = onItsWay(2);
        assertThat(changes.settle().isEmpty()).isTrue();
        settle(first);
        KeyChanges.Settled part = changes.settle();
        assertThat(part.winner()).isSameAs(first);
        assertThat(changes.all()).containsExactly(second);
        discard(first.file());
    }

    @Test
    void aChangeWhoseBodyIsLostLeavesItToTheOneBefore() throws Exception {
        Change first = onItsWay(1);
        Change second = lost(2);
        KeyChanges.Settled part = changes.settle();
        assertThat(part.winner()).isNull();
        assertThat(part.failed()).containsOnlyKeys(second);
        assertThat(changes.newest()).isSameAs(first);
        assertThat(changes.newestFile()).isSameAs(first.file());
        settle(first);
        assertThat(changes.settle().winner()).isSameAs(first);
        discard(first.file());
    }

    @Test
    void nothingIsLeftWhereAllBodiesAreLost() throws Exception {
        Change first = lost(1);
        Change second = lost(2);
        KeyChanges.Settled part = changes.settle();
        assertThat(part.winner()).isNull();
        assertThat(part.failed()).containsOnlyKeys(first, second);
        assertThat(changes.isEmpty()).isTrue();
    }
}
