package org.objmapper.crash;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.objmapper.client.ListedObject;

/** A store's directory, next to what a LIST says is in it. */
final class StoreDirectory {
    /** Longer bodies have a file. */
    static final int LONGEST_IN_INDEX = 4_096;

    private static final Set<String> OTHER_FILES = Set.of("id", "lock", "index/data.mdb", "index/lock.mdb");

    private static final String MISSING = " is missing, of ";

    private StoreDirectory() {}

    /** As {@link #differences}, of a directory that need not have all. */
    static List<String> needless(Path directory, Iterable<ListedObject> listed) throws IOException {
        List<String> differences = new ArrayList<>(differences(directory, listed));
        differences.removeIf(difference -> difference.contains(MISSING));
        return differences;
    }

    /** Files that no listed object has, objects without their file, temporaries; none when the two agree. */
    static List<String> differences(Path directory, Iterable<ListedObject> listed) throws IOException {
        Map<String, ListedObject> objects = new HashMap<>();
        for (ListedObject object : listed) {
            if (object.length() > LONGEST_IN_INDEX) {
                objects.put(stem(object), object);
            }
        }
        List<String> differences = new ArrayList<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files.filter(path -> !Files.isDirectory(path))::iterator) {
                String name = directory.relativize(file).toString();
                ListedObject object = objects.remove(name.substring(0, Math.max(0, name.lastIndexOf('-'))));
                if (object == null && !OTHER_FILES.contains(name)) {
                    differences.add(name + " belongs to nothing");
                } else if (object != null && Files.size(file) != object.length()) {
                    differences.add(name + " has " + Files.size(file) + " bytes instead of " + object);
                }
            }
        }
        objects.forEach((stem, object) -> differences.add(stem + MISSING + object));
        return differences;
    }

    /** What the name of an object's file begins with; after it comes the generation. */
    private static String stem(ListedObject object) {
        String hex = HexFormat.of().formatHex(Version.sha256(object.key().toBytes()));
        return "objects/" + hex.substring(0, 2) + "/" + hex.substring(2, 4) + "/" + hex.substring(4);
    }
}
