package dev.millrace.ending;

import dev.millrace.migration.StatusReport;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What remains of a migration, and the mark that it has ended: its existence means that the
/// migration never runs again. It contains no secret, and no value of a row but those in the
/// reports of differences. Immutable.
///
/// @param format version of the format, 1
/// @param endedAt `null` until everything is removed
/// @param from the phase in which the operator ended the migration
/// @param epoch of the owner that began the end; `null` if the control schema named none
/// @param renames the old tables that are renamed at last; empty in an older archive
/// @param steps those that were begun
/// @param status the status when the operator ended the migration
/// @param plan the mappings and the findings of preflight
/// @param evidence journal, operations, reports and generations, by database
record Archive(
        int format,
        String migration,
        Ending.Kind kind,
        @Nullable Instant endedAt,
        String from,
        UUID id,
        String who,
        String reason,
        @Nullable String requestKey,
        Instant startedAt,
        @Nullable Long epoch,
        List<OldTables.Rename> renames,
        List<Operation.Step> steps,
        List<Gate> gates,
        StatusReport status,
        JsonNode plan,
        JsonNode evidence) {

    static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    Archive {
        renames = renames == null ? List.of() : List.copyOf(renames);
        steps = List.copyOf(steps);
        gates = List.copyOf(gates);
    }

    boolean hasEnded() {
        return endedAt != null;
    }

    /// The phase that the status shows: the last one only after everything is removed.
    String phase() {
        return hasEnded() ? kind.phase() : from;
    }

    List<EndingStep> toDo() {
        return EndingStep.of(!renames.isEmpty());
    }

    boolean isDone(EndingStep step) {
        return steps.stream()
                .anyMatch(each -> each.name().equals(step.id()) && each.state().equals("done"));
    }

    Archive with(List<Operation.Step> now, @Nullable Instant end) {
        return with(now, end, evidence);
    }

    /// @param newer fields that replace those of the database
    Archive withEvidence(String place, JsonNode newer) {
        ObjectNode next = (ObjectNode) evidence.deepCopy();
        next.withObject(place).setAll((ObjectNode) newer);
        return with(steps, endedAt, next);
    }

    private Archive with(List<Operation.Step> now, @Nullable Instant end, JsonNode evidence) {
        return new Archive(
                format,
                migration,
                kind,
                end,
                from,
                id,
                who,
                reason,
                requestKey,
                startedAt,
                epoch,
                renames,
                now,
                gates,
                status,
                plan,
                evidence);
    }

    /// @throws IOException if the file exists and is no archive
    static Optional<Archive> read(Path file) throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    Objects.requireNonNull(JSON.readValue(Files.readString(file), Archive.class)));
        } catch (JacksonException | NullPointerException e) {
            throw new IOException("the file is not a complete archive", e);
        }
    }

    /// Replaces the file by a complete one, durably.
    void write(Path file) throws IOException {
        Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent());
        Files.createDirectories(folder);
        Path next = folder.resolve(file.getFileName() + ".next");
        try (FileChannel channel =
                FileChannel.open(
                        next,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(JSON.writeValueAsBytes(this));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        move(next, file);
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /// After a failed first write.
    static void discard(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException _) {
            // The file says what it says: the next process ends the migration.
            return;
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(
                    from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException _) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
