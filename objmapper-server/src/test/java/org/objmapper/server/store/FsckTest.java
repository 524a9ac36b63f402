package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.objmapper.server.store.StoreUnderTest.bytes;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.check.Fsck;
import org.objmapper.server.store.check.FsckReport;
import org.objmapper.server.store.index.RawIndex;

/** Each kind of damage is seen, left alone without being told to repair it, and gone when it is repaired. */
class FsckTest {
    private static final int LONG = 9_000;
    private static final int INLINE = 500;
    private static final int PAGE_BYTES = 4_096;

    @TempDir
    Path directory;

    private final List<String> lines = new ArrayList<>();
    private StoreUnderTest store;

    @BeforeEach
    void fill() throws Exception {
        store = new StoreUnderTest(directory);
        for (String key : List.of("file", "other/file")) {
            ObjectMetadata metadata = new ObjectMetadata();
            metadata.add(MetadataType.TAG.code(), bytes("tag"));
            store.put(StoreUnderTest.with(key, metadata, 60_000), body(LONG));
        }
        store.put(StoreUnderTest.durable("inline"), body(INLINE));
        store.put(StoreUnderTest.durable("empty"), body(0));
        store.store().flush();
        store.close();
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static byte[] body(int length) {
        byte[] body = new byte[length];
        Arrays.fill(body, (byte) 'x');
        return body;
    }

    private int check(boolean repairs) throws IOException {
        return check(repairs, true);
    }

    private int check(boolean repairs, boolean readsBodies) throws IOException {
        lines.clear();
        FsckReport report = Fsck.run(new Fsck.Options(directory, List.of(), repairs, readsBodies), lines::add);
        return report.exitCode();
    }

    private Path fileOf(String key) throws Exception {
        String name = new org.objmapper.server.store.index.ObjectKey(bytes(key)).toString();
        return StoreUnderTest.objectFiles(directory).stream()
                .filter(file -> directory
                        .resolve("objects")
                        .relativize(file)
                        .toString()
                        .replace("/", "")
                        .startsWith(name))
                .findFirst()
                .orElseThrow();
    }

    /** What the directory holds, byte for byte; but LMDB's table of readers, which whoever looks at the index writes. */
    private Map<String, String> contents() throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (!file.endsWith("index/lock.mdb")) {
                    contents.put(directory.relativize(file).toString(), Arrays.hashCode(Files.readAllBytes(file)) + "");
                }
            }
        }
        return contents;
    }

    private void makeWritable(Path file) throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    /** Sees a damage that costs no object, and repairs it. */
    private void expectRepaired(String said) throws Exception {
        expect(said, FsckReport.REPAIRED);
    }

    /** Sees that an object is lost, and takes it out. */
    private void expectLost(String said) throws Exception {
        expect(said, FsckReport.LEFT_OR_LOST);
    }

    private void expect(String said, int repaired) throws Exception {
        Map<String, String> before = contents();
        assertThat(check(false)).isEqualTo(FsckReport.LEFT_OR_LOST);
        assertThat(lines).as("what is wrong").anyMatch(line -> line.contains(said) && line.contains("; --repair "));
        assertThat(contents()).isEqualTo(before);

        assertThat(check(true)).as(String.join("\n", lines)).isEqualTo(repaired);
        assertThat(lines).anyMatch(line -> line.contains(said) && !line.contains("--repair"));
        expectClean();
    }

    private void expectClean() throws Exception {
        assertThat(check(false)).as(String.join("\n", lines)).isEqualTo(FsckReport.CLEAN);
        assertThat(lines.get(lines.size() - 1)).endsWith(": clean");
        assertThat(check(true)).isEqualTo(FsckReport.CLEAN);
    }

    private List<String> keysAfterwards() throws Exception {
        store = new StoreUnderTest(directory);
        List<String> keys = store.keys("", 100);
        for (String key : keys) {
            assertThat(store.get(key)).as(key).isNotNull();
        }
        return keys;
    }

    @Test
    void aHealthyStoreIsCleanAndIsLeftAsItIs() throws Exception {
        Map<String, String> before = contents();
        assertThat(check(false)).as(String.join("\n", lines)).isEqualTo(FsckReport.CLEAN);
        assertThat(lines).containsExactly(directory + ": objects=4 bytes=" + (2 * LONG + INLINE) + ": clean");
        assertThat(contents()).isEqualTo(before);

        assertThat(check(true)).isEqualTo(FsckReport.CLEAN);
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void aStoreThatAServerUsesIsNotChecked() throws Exception {
        store = new StoreUnderTest(directory);
        assertThatThrownBy(() -> check(true))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("another server uses");
    }

    @Test
    void aDirectoryThatIsNoStoreIsLeftAsItIs() throws Exception {
        Path empty = Files.createDirectory(directory.resolve("none"));
        assertThatThrownBy(() -> Fsck.run(new Fsck.Options(empty, List.of(), true, true), lines::add))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("holds no store");
        assertThat(empty).isEmptyDirectory();
    }

    @Test
    void anIndexOfAnotherStoreIsNotChecked() throws Exception {
        Path other = Files.createDirectory(directory.resolve("second"));
        new StoreUnderTest(other).close();
        Files.copy(
                other.resolve("index/data.mdb"),
                directory.resolve("index/data.mdb"),
                StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> check(true)).isInstanceOf(IOException.class).hasMessageContaining("copied or swapped");
    }

    /** LMDB would end the process at most of them. */
    @Test
    void anIndexWithAPageOfOtherBytesIsNotCheckedAndThePageIsNamed() throws Exception {
        Path data = directory.resolve("index/data.mdb");
        byte[] sound = Files.readAllBytes(data);
        Random random = new Random(4);
        int inUse = 0;
        for (int page = 2; page < sound.length / PAGE_BYTES; page++) {
            for (boolean isZeroed : new boolean[] {true, false}) {
                byte[] other = new byte[PAGE_BYTES];
                if (!isZeroed) {
                    random.nextBytes(other);
                }
                byte[] damaged = sound.clone();
                System.arraycopy(other, 0, damaged, page * PAGE_BYTES, PAGE_BYTES);
                Files.write(data, damaged);
                inUse += refuses(" is damaged: its page " + page + " is not what was written there") ? 1 : 0;
                assertThat(data).hasBinaryContent(damaged);
            }
        }
        assertThat(inUse).isGreaterThan(10);
        Files.write(data, sound);
        expectClean();
    }

    /** False where nothing is wrong: the page is free. */
    private boolean refuses(String why) throws IOException {
        try {
            assertThat(check(true)).as(String.join("\n", lines)).isEqualTo(FsckReport.CLEAN);
            return false;
        } catch (IOException e) {
            assertThat(e).hasMessageContaining(why);
            return true;
        }
    }

    /** The tests run as root, and so does this check. */
    @Test
    void whoHasTheStoreHasWhatACheckByRootLeavesToo() throws Exception {
        for (Path one : List.of(directory, directory.resolve("index"))) {
            Files.setAttribute(one, "unix:uid", 12_345);
        }
        Path lock = directory.resolve("lock");
        Path readers = directory.resolve("index/lock.mdb");
        Files.delete(lock);
        Files.delete(readers);
        assertThat(check(false)).isEqualTo(FsckReport.CLEAN);

        assertThat(Files.getAttribute(lock, "unix:uid")).isEqualTo(12_345);
        assertThat(Files.getAttribute(readers, "unix:uid")).isEqualTo(12_345);
    }

    @Test
    void anObjectWhoseFileIsGoneIsTakenOut() throws Exception {
        Files.delete(fileOf("file"));
        expectLost("the object \"file\" is lost: its file objects/");
        assertThat(keysAfterwards()).containsExactly("empty", "inline", "other/file");
    }

    @Test
    void variantsAreSoundAndOneThatIsLostIsTakenOutAlone() throws Exception {
        store = new StoreUnderTest(directory);
        for (String language : List.of("en", "fr")) {
            ObjectMetadata metadata = VariantsTest.varying("accept-language", language);
            metadata.add(MetadataType.TAG.code(), bytes("tag"));
            store.put(StoreUnderTest.with("page", metadata, 60_000), body(LONG));
        }
        store.put(StoreUnderTest.durable("page"), body(INLINE));
        store.store().flush();
        store.close();
        expectClean();

        Files.delete(fileOf("page"));
        expectLost("the object \"page\" is lost: its file objects/");
        assertThat(keysAfterwards()).contains("page");
        assertThat(store.purgeKey("page", false).count()).isEqualTo(2);
    }

    @Test
    void aBodyThatWasCutOffGoesToQuarantine() throws Exception {
        Path file = fileOf("file");
        makeWritable(file);
        Files.write(file, body(LONG - 1));
        expectLost("the object \"file\" is lost: its file has bytes=8999 instead of 9000");
        assertThat(file).doesNotExist();
        try (Stream<Path> kept = Files.list(directory.resolve("quarantine"))) {
            assertThat(kept).hasSize(2).anySatisfy(note -> assertThat(note)
                    .content()
                    .startsWith("the object \"file\": its file has bytes=8999"));
        }
        assertThat(lines).anyMatch(line -> line.contains("quarantine: files=1 bytes="));
        assertThat(keysAfterwards()).containsExactly("empty", "inline", "other/file");
    }

    @Test
    void aChangedByteIsSeenUnlessBodiesAreSkipped() throws Exception {
        Path file = fileOf("other/file");
        makeWritable(file);
        byte[] body = body(LONG);
        body[4_321] ^= 1;
        Files.write(file, body);

        assertThat(check(false, false)).isEqualTo(FsckReport.CLEAN);
        expectLost("the object \"other/file\" is lost: its body has the XXH3 ");
        assertThat(keysAfterwards()).containsExactly("empty", "file", "inline");
    }

    @Test
    void aFileWithoutAnObjectIsRemoved() throws Exception {
        Path file = fileOf("file");
        Path orphan = Path.of(file.toString().replaceFirst("-[0-9a-f]+$", "-1f"));
        Files.copy(file, orphan);
        Map<String, String> before = contents();

        assertThat(check(false)).as("what the next start removes is no damage").isEqualTo(FsckReport.CLEAN);
        assertThat(lines).anyMatch(line -> line.endsWith(" is no object's; a server removes it after its start"));
        assertThat(contents()).isEqualTo(before);
        assertThat(check(true)).isEqualTo(FsckReport.REPAIRED);
        assertThat(orphan).doesNotExist();
        expectClean();
        assertThat(keysAfterwards()).hasSize(4);
    }

    @Test
    void aFileOfAnotherProgramAndOneFromTheFutureGoToQuarantine() throws Exception {
        Path file = fileOf("file");
        Files.copy(file, file.resolveSibling("foreign"));
        Files.copy(file, Path.of(file.toString().replaceFirst("-[0-9a-f]+$", "-7fffffffffffffff")));
        expectRepaired("is none of objmapper's");
        try (Stream<Path> kept = Files.list(directory.resolve("quarantine"))) {
            assertThat(kept).hasSize(4);
        }
        assertThat(keysAfterwards()).hasSize(4);
    }

    @Test
    void aDamagedRecordIsTakenOutAndItsFileGoesToQuarantine() throws Exception {
        RawIndex.damage(
                directory.resolve("index"),
                "objects",
                new org.objmapper.server.store.index.ObjectKey(bytes("file")).digest());
        expectLost("the object \"file\" is lost: its record in the index is damaged");
        try (Stream<Path> kept = Files.list(directory.resolve("quarantine"))) {
            assertThat(kept).hasSize(2);
        }
        assertThat(keysAfterwards()).containsExactly("empty", "inline", "other/file");
    }

    @Test
    void anInlineBodyThatChangedIsLost() throws Exception {
        RawIndex.damage(directory.resolve("index"), "bodies", null);
        expectLost("is lost: its body in the index is gone or another");
        assertThat(keysAfterwards()).hasSize(3);
    }

    @Test
    void anInlineBodyThatIsGoneIsLost() throws Exception {
        RawIndex.remove(directory.resolve("index"), "bodies", null);
        expectLost("is lost: its body in the index is gone or another");
        assertThat(keysAfterwards()).hasSize(3);
    }

    @Test
    void aRowThatIsMissingIsAdded() throws Exception {
        for (String table : List.of("prefixes", "tags", "expiries", "ondevice")) {
            RawIndex.remove(directory.resolve("index"), table, null);
            expectRepaired(" lacks rows=1 of the index");
        }
        assertThat(keysAfterwards()).hasSize(4);
        assertThat(store.purgeTag("tag", false).count()).isEqualTo(2);
    }

    @Test
    void aRowThatLeadsNowhereIsRemoved() throws Exception {
        for (String table : List.of("prefixes", "tags", "expiries", "ondevice", "bodies")) {
            RawIndex.addStray(directory.resolve("index"), table);
            expectRepaired("the index has rows=1 that lead to no object");
        }
        assertThat(keysAfterwards()).hasSize(4);
    }

    @Test
    void wrongTotalsAreCorrected() throws Exception {
        RawIndex.damage(directory.resolve("index"), "state", bytes("totals/"));
        expectRepaired("the index says another number of objects");
        store = new StoreUnderTest(directory);
        assertThat(store.figure("objmapper_store_objects")).isEqualTo(4);
        assertThat(store.figure("objmapper_store_bytes")).isEqualTo(2 * LONG + INLINE);
    }

    @Test
    void aBoundBelowAGenerationThatWasGivenIsCorrected() throws Exception {
        RawIndex.rewriteGenerationBound(directory.resolve("index"), 2);
        expectRepaired("and would give that out again");
    }

    @Test
    void aNoteInQuarantineWithoutItsFileIsRemoved() throws Exception {
        Files.createDirectory(directory.resolve("quarantine"));
        Files.writeString(directory.resolve("quarantine/file.txt"), "why");
        expectRepaired("quarantine/file.txt is about no file");
        assertThat(directory.resolve("quarantine")).isEmptyDirectory();
    }

    @Test
    void aPurgeWhoseRecordIsDamagedIsTakenOut() throws Exception {
        RawIndex.put(directory.resolve("index"), "purges", new byte[] {0, 0, 0, 0, 0, 0, 0, 9}, new byte[] {9});
        expectLost("the purge of generation 0000000000000009 is lost");
        assertThat(keysAfterwards()).hasSize(4);
    }

    @Test
    void whatSaysNothingInAnOrderOfEvictionIsRemoved() throws Exception {
        RawIndex.put(directory.resolve("index"), "orders", new byte[9], new byte[18]);
        expectRepaired("the index has rows=1 of an order of eviction that say nothing");
        RawIndex.put(directory.resolve("index"), "orders", new byte[8], new byte[17]);
        expectRepaired("the index has rows=1 of an order of eviction that say nothing");
        assertThat(keysAfterwards()).hasSize(4);
    }

    @Test
    void aSoundRowOfAnOrderStays() throws Exception {
        RawIndex.put(directory.resolve("index"), "orders", new byte[9], new byte[17]);
        expectClean();
    }

    @Test
    void whatIsMendedIsTheStoreThatItWas() throws Exception {
        Files.delete(fileOf("file"));
        RawIndex.remove(directory.resolve("index"), "prefixes", null);
        assertThat(check(true)).isEqualTo(FsckReport.LEFT_OR_LOST);
        assertThat(lines.get(lines.size() - 1)).endsWith(": repaired=1 lost=1 left=0");
        expectClean();
        assertThat(keysAfterwards()).containsExactly("empty", "inline", "other/file");
        store.put(StoreUnderTest.durable("file"), body(LONG));
        store.close();
        expectClean();
    }
}
