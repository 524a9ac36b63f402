package org.objmapper.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * All results of a run.
 *
 * @param machine what it ran on
 * @param began when, in ISO 8601
 * @param waiting how many processes were ready to run in the minute before it, and in its last: a figure above 1 before it means that the
 *     machine had other work
 * @param leftOut the rows that need what is not there
 */
record Report(String machine, String began, Waiting waiting, Scale scale, List<Result> results, List<String> leftOut) {
    record Waiting(double before, double after) {}

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    static Report read(Path file) throws IOException {
        return JSON.readValue(file.toFile(), Report.class);
    }

    void write(Path directory) throws IOException {
        JSON.writeValue(directory.resolve("results.json").toFile(), this);
        Files.writeString(directory.resolve("results.md"), Table.of(this));
        Plots.write(directory, results);
    }
}
