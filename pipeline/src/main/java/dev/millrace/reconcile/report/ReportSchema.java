package dev.millrace.reconcile.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/// The published JSON Schema of a report, and the other texts that belong to its documents. Pure.
public final class ReportSchema {

    private ReportSchema() {}

    public static String json() {
        return resource("report.schema.json").strip();
    }

    static String resource(String name) {
        try (InputStream in = ReportSchema.class.getResourceAsStream(name)) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
