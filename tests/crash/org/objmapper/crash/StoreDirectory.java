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
        List<String> differences = new ArrayList<>(differences(List.of(directory), listed));
        differences.removeIf(difference -> difference.contains(MISSING));
        return differences;
    }

    /** Files of the devices that no listed object has, objects without their file, temporaries; none when all agree. */
    static List<String> differences(List<Path> devices, Iterable<ListedObject> listed) throws IOException {
        Map<String, ListedObject> objects = new HashMap<>();
        for (ListedObject object : listed) {
            if (object.length() > LONGEST_IN_INDEX) {
                objects.put(stem(object), object);
            }
        }
        List<String> differences = new ArrayList<>();
        for (Path device : devices) {
            try (Stream<Path> files = Files.walk(device)) {
                for (Path file : (Iterable<Path>) files.filter(path -> !Files.isDirectory(path))::iterator) {
                    compare(file, device.relativize(file).toString(), objects, differences);
                }
            }
        }
        objects.forEach((stem, object) -> differences.add(stem + MISSING + object));
        return differences;
    }

    private static void compare(Path file, String name, Map<String, ListedObject> objects, List<String> differences)
            throws IOException {
        ListedObject object = objects.remove(name.substring(0, Math.max(0, name.lastIndexOf('-'))));
        if (object == null && !OTHER_FILES.contains(name)) {
            differences.add(file + " belongs to nothing");
        } else if (object != null && Files.size(file) != object.length()) {
            differences.add(file + " has " + Files.size(file) + " bytes instead of " + object);
        }
    }

    /** What the name of an object's file begins with; after it comes the generation. */
    private static String stem(ListedObject object) {
        String hex = HexFormat.of().formatHex(Version.sha256(object.key().toBytes()));
        return "objects/" + hex.substring(0, 2) + "/" + hex.substring(2, 4) + "/" + hex.substring(4);
    }
}
