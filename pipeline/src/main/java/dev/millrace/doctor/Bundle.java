package dev.millrace.doctor;

import dev.millrace.lifecycle.Reason;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import tools.jackson.databind.json.JsonMapper;

/// A zip file with one entry for each part, and `manifest.json`, which says for each part whether
/// it is there, and why not. A part that fails leaves the others as they are. Not thread-safe.
public final class Bundle {

    /// What is never read, so that a reader of the manifest need not search for it.
    private static final Map<String, String> NEVER =
            Map.of(
                    "rows", "values of rows, records of the log, rejected changes, reports",
                    "statements", "texts of statements that servers run or have run",
                    "secrets", "passwords, tokens, and properties that are passed through",
                    "recordings", "heap dumps and Java flight recordings");

    private final Redaction redaction;
    private final List<Part> parts = new ArrayList<>();

    public Bundle(Redaction redaction) {
        this.redaction = redaction;
    }

    /// Reads a part. May throw anything; the manifest then has the reason.
    public interface Content {

        /// @return a text, or a value that is written as JSON
        Object read() throws Exception;
    }

    /// A part is left out on purpose, and why.
    public static final class LeftOut extends Exception {

        private static final long serialVersionUID = 1L;

        public LeftOut(String reason) {
            super(reason);
        }
    }

    private record Part(String file, String what, Content content) {}

    /// What became of a part.
    ///
    /// @param state `included`, `failed` or `left out`
    /// @param reason empty if it is included
    /// @param masked how many secrets were replaced in it
    public record Outcome(String file, String what, String state, String reason, int masked) {}

    /// @param file its name in the zip file
    /// @param what it is, for people
    public void add(String file, String what, Content content) {
        parts.add(new Part(file, what, content));
    }

    /// Reads the parts in their order and writes the file, which only its owner may read.
    ///
    /// @param file does not exist yet
    /// @throws IOException if the file cannot be written; it is deleted then
    public List<Outcome> write(Path file, Instant at, String version) throws IOException {
        create(file);
        try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.WRITE);
                ZipOutputStream zip = new ZipOutputStream(out, StandardCharsets.UTF_8)) {
            List<Outcome> outcomes = new ArrayList<>();
            for (Part part : parts) {
                outcomes.add(write(zip, part));
            }
            entry(zip, "manifest.json", manifest(at, version, outcomes));
            return outcomes;
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private static void create(Path file) throws IOException {
        if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(
                    file,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
        } else {
            Files.createFile(file);
        }
    }

    private Outcome write(ZipOutputStream zip, Part part) throws IOException {
        String text;
        try {
            Object read = part.content().read();
            text = read instanceof String written ? written : json(read);
        } catch (LeftOut e) {
            return notIncluded(part, "left out", String.valueOf(e.getMessage()));
        } catch (Exception e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            return notIncluded(part, "failed", Reason.of(e).orElse(e.getClass().getSimpleName()));
        }
        Redaction.Redacted redacted = redaction.apply(text);
        entry(zip, part.file(), redacted.text());
        return new Outcome(part.file(), part.what(), "included", "", redacted.replaced());
    }

    private Outcome notIncluded(Part part, String state, String reason) {
        Redaction.Redacted shown = redaction.apply(reason);
        return new Outcome(part.file(), part.what(), state, shown.text(), shown.replaced());
    }

    private static void entry(ZipOutputStream zip, String name, String text) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(text.getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
    }

    private static String manifest(Instant at, String version, List<Outcome> outcomes) {
        Map<String, Object> manifest = new LinkedHashMap<>();
        manifest.put("created", at.toString());
        manifest.put("version", version);
        manifest.put("parts", outcomes);
        manifest.put("never", NEVER);
        return json(manifest);
    }

    /// A value as JSON for people.
    public static String json(Object value) {
        return JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(value);
    }
}
