package org.objmapper.crash;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * A directory as a power loss may leave it: what was synced is there; of what was not, each write and each change of a name is there or
 * isn't, whatever came before or after it.
 */
final class LostPower {
    /** Content and names that are on disk, and the changes that may not be. */
    private static final class Node {
        private final boolean directory;
        private final List<RecordedChange> writes = new ArrayList<>();
        private final List<Naming> namings = new ArrayList<>();
        private byte[] content = new byte[0];

        Node(boolean directory) {
            this.directory = directory;
        }

        void write(RecordedChange change) {
            if (change.kind() == RecordedChange.Kind.TRUNCATE) {
                content = Arrays.copyOf(content, (int) change.offset());
                return;
            }
            int end = (int) change.offset() + change.data().length;
            content = Arrays.copyOf(content, Math.max(end, content.length));
            System.arraycopy(change.data(), 0, content, (int) change.offset(), change.data().length);
        }
    }

    /** A name that goes, one that comes with what it leads to, or both at once. */
    private record Naming(int number, String gone, String come, Node node) {}

    private final Map<Long, Node> inodes = new HashMap<>();
    /** What every name leads to, for the running server and on disk. */
    private final Map<String, Node> names = new HashMap<>();

    private final TreeMap<String, Node> lasting = new TreeMap<>();

    private LostPower() {
        names.put("", new Node(true));
    }

    /** Builds the directory after these changes, with those of the unsynced ones that survive. */
    static void build(List<RecordedChange> changes, Predicate<RecordedChange> survives, Path into) throws IOException {
        LostPower state = new LostPower();
        changes.forEach(state::run);
        List<Node> nodes = new ArrayList<>(state.names.values());
        nodes.addAll(state.lasting.values());
        for (Node node : nodes) {
            state.sync(node, change -> survives.test(changes.get(change)));
        }
        state.write(into);
    }

    private void run(RecordedChange change) {
        switch (change.kind()) {
            case CREATE -> inodes.put(change.inode(), new Node(false));
            case WRITE, TRUNCATE -> inodes.get(change.inode()).writes.add(change);
            case SYNC -> sync(synced(change), number -> number < change.offset());
            case SYNC_WRITE -> sync(inodes.get(change.inode()), number -> number >= change.offset());
            case LINK -> name(change, "", change.path(), inodes.get(change.inode()));
            case MKDIR -> name(change, "", change.path(), new Node(true));
            case UNLINK -> name(change, change.path(), "", null);
            case RENAME -> name(change, change.path(), change.secondPath(), names.get(change.path()));
            default -> throw new AssertionError(change);
        }
    }

    private Node synced(RecordedChange change) {
        Node named = names.get(change.path());
        return named != null && named.directory ? named : inodes.get(change.inode());
    }

    private void name(RecordedChange change, String gone, String come, Node node) {
        String parent = RecordedChange.parent(come.isEmpty() ? gone : come);
        names.get(parent).namings.add(new Naming(change.number(), gone, come, node));
        names.remove(gone.isEmpty() ? come : gone);
        if (!come.isEmpty()) {
            names.put(come, node);
        }
    }

    /** Brings the changes of these numbers to disk, the others stay in memory. */
    private void sync(Node node, Predicate<Integer> covered) {
        node.writes.removeIf(change -> {
            if (covered.test(change.number())) {
                node.write(change);
                return true;
            }
            return false;
        });
        node.namings.removeIf(naming -> {
            if (!covered.test(naming.number())) {
                return false;
            }
            lasting.remove(naming.gone());
            if (!naming.come().isEmpty()) {
                lasting.put(naming.come(), naming.node());
            }
            return true;
        });
    }

    private void write(Path into) throws IOException {
        for (Map.Entry<String, Node> entry : lasting.entrySet()) {
            Path path = into.resolve(entry.getKey());
            if (!Files.isDirectory(path.getParent())) {
                continue; // its directory is lost
            } else if (entry.getValue().directory) {
                Files.createDirectory(path);
            } else {
                Files.write(path, entry.getValue().content);
            }
        }
    }
}
