package org.objmapper.crash;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.objmapper.client.Key;
import org.objmapper.client.ListedObject;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.StoredObject;

/** A store's directory, next to what a LIST says is in it. */
final class StoreDirectory {
    /** Longer bodies have a file. */
    static final int LONGEST_IN_INDEX = 4_096;

    private static final Set<String> OTHER_FILES = Set.of("id", "lock", "index/data.mdb", "index/lock.mdb");

    private static final String MISSING = " is missing, of ";

    private StoreDirectory() {}

    /** An object that a server has. */
    record Standing(Key key, long length) {}

    /** All objects: a listing has one for each key. */
    static List<Standing> standing(ObjmapperClient client) throws IOException {
        List<Standing> standing = new ArrayList<>();
        for (ListedObject object : client.list("")) {
            List<String> names = Writer.namesOf(object.key().toString());
            if (names.size() == 1) {
                standing.add(new Standing(object.key(), object.length()));
                continue;
            }
            for (String name : names) {
                Optional<StoredObject> found = client.get(object.key(), Writer.asking(name));
                if (found.isPresent()) {
                    try (StoredObject one = found.get()) {
                        standing.add(new Standing(object.key(), one.metadata().length()));
                    }
                }
            }
        }
        return standing;
    }

    /** As {@link #differences}, of a directory that need not have all. */
    static List<String> needless(Path directory, List<Standing> standing) throws IOException {
        List<String> differences = new ArrayList<>(differences(List.of(directory), standing));
        differences.removeIf(difference -> difference.contains(MISSING));
        return differences;
    }

    /** Files of the devices that no object has, objects without their file, temporaries; none when all agree. */
    static List<String> differences(List<Path> devices, List<Standing> standing) throws IOException {
        Map<String, List<Standing>> objects = new HashMap<>();
        for (Standing object : standing) {
            if (object.length() > LONGEST_IN_INDEX) {
                objects.computeIfAbsent(stem(object), stem -> new ArrayList<>()).add(object);
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
        objects.forEach((stem, left) -> left.forEach(object -> differences.add(stem + MISSING + object)));
        return differences;
    }

    private static void compare(Path file, String name, Map<String, List<Standing>> objects, List<String> differences)
            throws IOException {
        List<Standing> ofKey =
                objects.getOrDefault(name.substring(0, Math.max(0, name.lastIndexOf('-'))), new ArrayList<>());
        long length = Files.size(file);
        Standing object =
                ofKey.stream().filter(one -> one.length() == length).findFirst().orElse(null);
        if (object != null) {
            ofKey.remove(object);
        } else if (!ofKey.isEmpty()) {
            differences.add(file + " has " + length + " bytes, as none of " + ofKey);
        } else if (!OTHER_FILES.contains(name)) {
            differences.add(file + " belongs to nothing");
        }
    }

    /** What the name of an object's file begins with; after it comes the generation. */
    private static String stem(Standing object) {
        String hex = HexFormat.of().formatHex(Version.sha256(object.key().toBytes()));
        return "objects/" + hex.substring(0, 2) + "/" + hex.substring(2, 4) + "/" + hex.substring(4);
    }
}
