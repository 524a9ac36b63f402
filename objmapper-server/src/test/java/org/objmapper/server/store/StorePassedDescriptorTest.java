package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.durable;
import static org.objmapper.server.store.StoreUnderTest.plain;
import static org.objmapper.server.store.StoreUnderTest.sealed;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.index.Digests;

class StorePassedDescriptorTest {
    private static final int TRUSTED = 1_234;
    private static final int ANYONE = 4_321;
    private static final int WRITE_ONLY = 1;
    private static final int READ_WRITE_NONBLOCK = 2 | 04000;

    @TempDir
    Path directory;

    private StoreUnderTest store;
    private Path outside;

    @BeforeEach
    void open() throws Exception {
        outside = Files.createDirectory(directory.resolve("outside"));
        store = new StoreUnderTest(StoreOptions.of(Files.createDirectory(directory.resolve("store")))
                .withPassedDescriptorUids(Set.of(TRUSTED))
                .withMaxObjectBytes(2_000_000)
                .withPassedQueue(2, 1));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static byte[] body(int length) {
        byte[] body = new byte[length];
        new Random(length).nextBytes(body);
        return body;
    }

    private static int open(Path path, int flags) {
        int descriptor = NativeIo.openAt(Device.AT_FDCWD, Device.path(path.toString()), flags, 0);
        assertThat(descriptor).isNotNegative();
        return descriptor;
    }

    private Path file(byte[] body) throws Exception {
        return Files.write(outside.resolve("file" + body.length), body);
    }

    private static void assertClosed(int descriptor) {
        await().untilAsserted(() -> assertThat(NativeIo.statusFlags(descriptor)).isNegative());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4_096, 4_097, 1_500_000})
    void sealedMemoryIsTakenFromAnyone(int length) throws Exception {
        int descriptor = sealed(body(length));
        Result result = store.putDescriptor(durable("key"), descriptor, length, ANYONE);

        assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
        assertThat(result.sha256()).isEqualTo(Digests.sha256().digest(body(length)));
        assertClosed(descriptor);
        store.reopen();
        assertThat(store.get("key").body()).isEqualTo(body(length));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4_096, 4_097, 1_500_000})
    void aFileIsTakenFromThoseWhoAreTrustedAndItsLaterChangesDoNotMatter(int length) throws Exception {
        Path file = file(body(length));
        int descriptor = open(file, Device.O_RDONLY);
        Result result = store.putDescriptor(plain("key"), descriptor, length, TRUSTED);
        Files.write(file, new byte[] {1});

        assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
        assertClosed(descriptor);
        assertThat(store.get("key").body()).isEqualTo(body(length));
    }

    @Test
    void aBodyBeyondTheLimitIsRefused() {
        int length = 2_000_001;
        assertRefused(Status.TOO_LARGE, sealed(body(length)), length, ANYONE);
    }

    @Test
    void aFileIsNotTakenFromOthers() throws Exception {
        assertRefused(Status.BAD_DESCRIPTOR, open(file(body(5_000)), Device.O_RDONLY), 5_000, ANYONE);
    }

    @Test
    void aFileOnAnotherFileSystemIsNotTaken() throws Exception {
        Path elsewhere = Files.write(
                Path.of("/dev/shm/objmapper-test-" + ProcessHandle.current().pid()), body(5_000));
        try {
            assertRefused(Status.BAD_DESCRIPTOR, open(elsewhere, Device.O_RDONLY), 5_000, TRUSTED);
        } finally {
            Files.delete(elsewhere);
        }
    }

    @Test
    void aDescriptorOfAnotherLengthThanSaidIsRefused() {
        assertRefused(Status.BAD_DESCRIPTOR, sealed(body(5_000)), 4_999, ANYONE);
        assertRefused(Status.BAD_DESCRIPTOR, sealed(body(5_000)), 5_001, ANYONE);
        assertRefused(Status.BAD_DESCRIPTOR, sealed(body(5_000)), -1, ANYONE);
    }

    @Test
    void descriptorsThatAreNotOpenForReadingAreRefused() throws Exception {
        Path file = file(body(5_000));
        assertRefused(Status.BAD_DESCRIPTOR, open(file, Device.O_PATH), 5_000, TRUSTED);
        assertRefused(Status.BAD_DESCRIPTOR, open(file, WRITE_ONLY), 5_000, TRUSTED);
    }

    @Test
    void whatIsNoRegularFileIsRefused() throws Exception {
        Path fifo = outside.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor())
                .isZero();
        assertRefused(Status.BAD_DESCRIPTOR, open(fifo, READ_WRITE_NONBLOCK), 0, TRUSTED);
        assertRefused(Status.BAD_DESCRIPTOR, open(outside, Device.O_RDONLY), 4_096, TRUSTED);
        assertRefused(Status.BAD_DESCRIPTOR, open(Path.of("/dev/null"), Device.O_RDONLY), 0, TRUSTED);
        assertRefused(Status.BAD_DESCRIPTOR, NativeIo.eventfd(), 0, TRUSTED);
    }

    @Test
    void aWrongChecksumIsRefusedAndNothingIsLeft() throws Exception {
        byte[] body = body(5_000);
        Put put = new Put(bytes("key"), new ObjectMetadata(), -1, false, null, new byte[32], null, false);
        Result result = store.putDescriptor(put, sealed(body), body.length, ANYONE);

        assertThat(result.status()).isEqualTo(Status.CHECKSUM_MISMATCH);
        assertThat(store.get("key")).isNull();
        store.reopen();
        assertThat(store.objectFiles()).isEmpty();
    }

    @Test
    void whileAsManyOfAUserWaitAsMayAnotherIsBusyAndClosedInItsTurn() throws Exception {
        CountDownLatch mayGoOn = new CountDownLatch(1);
        CountDownLatch bothHang = new CountDownLatch(2);
        for (int i = 0; i < 2; i++) {
            store.store().passed().close(ANYONE, () -> {
                bothHang.countDown();
                hang(mayGoOn);
            });
        }
        hang(bothHang);
        CompletableFuture<Result> waits = new CompletableFuture<>();
        store.store().putDescriptor(plain("waits"), sealed(body(5_000)), 5_000, ANYONE, waits::complete);
        int descriptor = sealed(body(5_000));
        Result refused = store.putDescriptor(plain("refused"), descriptor, 5_000, ANYONE);
        Result ofAnother = store.putDescriptor(plain("other"), sealed(body(5_000)), 5_000, TRUSTED);
        mayGoOn.countDown();

        assertThat(refused.status()).isEqualTo(Status.BUSY);
        assertThat(ofAnother.status()).isEqualTo(Status.OK);
        assertThat(waits.get().status()).isEqualTo(Status.OK);
        assertThat(store.get("refused")).isNull();
        assertClosed(descriptor);
    }

    private static void hang(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void assertRefused(Status status, int descriptor, long length, int uid) {
        Result result = store.putDescriptor(plain("key"), descriptor, length, uid);

        assertThat(result.status()).as(result.message()).isEqualTo(status);
        assertThat(store.get("key")).isNull();
        assertClosed(descriptor);
    }
}
