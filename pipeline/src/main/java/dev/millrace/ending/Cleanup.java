package dev.millrace.ending;

import dev.millrace.control.ControlRows.Removal;
import dev.millrace.control.OwnerStore;
import dev.millrace.ending.Premises.Place;
import dev.millrace.fence.WriteFence;
import dev.millrace.indexes.TargetIndexes;
import dev.millrace.kafka.StreamNames;
import dev.millrace.sandbox.Folders;
import dev.millrace.stream.Direction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The effects of the steps that remove a migration, and what they would remove. Each can be
/// repeated. Not thread-safe; the thread of the end calls it.
final class Cleanup implements AutoCloseable {

    private static final String NOTHING = "Nothing to remove.";

    private final Premises premises;
    private final OldTables oldTables;
    private final Runnable stop;
    private final InstantSource clock;
    private @Nullable OwnerStore owner;

    /// @param stop stops the components of this process
    Cleanup(Premises premises, Runnable stop, InstantSource clock) {
        this.premises = premises;
        this.oldTables = new OldTables(premises.source());
        this.stop = stop;
        this.clock = clock;
    }

    /// The result of a step.
    sealed interface Effect {

        record Done(String note) implements Effect {}

        /// The step is tried again.
        record Waiting(String reason) implements Effect {}
    }

    /// Keeps in the archive what a step removes.
    @FunctionalInterface
    interface Keeper {

        /// @param place the name of the database
        /// @param journals the fields of its evidence that are replaced
        void keep(String place, String journals) throws IOException;
    }

    Effect perform(EndingStep step, Archive archive, Keeper keeper)
            throws SQLException, IOException, InterruptedException {
        if (step == EndingStep.STOP) {
            stop.run();
            return new Effect.Done("Every component has stopped.");
        }
        Optional<String> refused = own(archive);
        if (refused.isPresent()) {
            return new Effect.Waiting(refused.get());
        }
        return switch (step) {
            case STOP -> throw new IllegalStateException("The step has returned.");
            case INDEXES -> indexes();
            case SLOTS -> slots();
            case ORIGINS -> origins();
            case FENCES -> fences();
            case TOPICS -> topics();
            case CONTROL -> control(keeper);
            case FILES -> files();
            case RENAME -> new Effect.Done(oldTables.rename(archive.renames()));
        };
    }

    /// Takes the lock of the migration, so that no other process begins it while it is removed.
    private Optional<String> own(Archive archive) throws SQLException {
        if (owner != null) {
            owner.keep();
            return Optional.empty();
        }
        switch (OwnerStore.take(premises.target(), premises.migration(), archive.who(), clock)) {
            case OwnerStore.Claim.Granted(OwnerStore granted) -> owner = granted;
            case OwnerStore.Claim.Refused(String reason) -> {
                return Optional.of(reason);
            }
        }
        OptionalLong epoch = premises.places().getLast().rows().epoch();
        Long begun = archive.epoch();
        if (begun == null || epoch.isEmpty() || epoch.getAsLong() == begun) {
            return Optional.empty();
        }
        close();
        return Optional.of(
                "Another Millrace process has run the migration after it was ended here, so nothing is removed. Stop this process, and end the migration where it runs.");
    }

    private Effect indexes() throws SQLException {
        if (!premises.places().getLast().rows().exist()) {
            return new Effect.Done(NOTHING);
        }
        List<String> left =
                TargetIndexes.restoreAll(
                        premises.target(), Direction.FORWARD.id(premises.migration()));
        return new Effect.Done(
                left.isEmpty()
                        ? "Every index and foreign key of the target exists."
                        : "Not created, because rows of the target contradict them or others lock the table: %s. The archive contains their definitions."
                                .formatted(String.join(", ", left)));
    }

    private Effect slots() throws SQLException {
        String found = found(EndingStep.SLOTS);
        for (Place place : premises.places()) {
            place.objects().dropPublished();
        }
        return new Effect.Done(found);
    }

    private Effect origins() throws SQLException {
        String found = found(EndingStep.ORIGINS);
        List<String> used = new ArrayList<>();
        for (Place place : premises.places()) {
            used.addAll(place.objects().dropOrigins());
        }
        return used.isEmpty()
                ? new Effect.Done(found)
                : new Effect.Waiting(
                        "A session still uses the replication origins %s. End the Millrace process that has it."
                                .formatted(String.join(", ", used)));
    }

    private Effect fences() throws SQLException, InterruptedException {
        String found = found(EndingStep.FENCES);
        for (Place place : premises.places()) {
            try (WriteFence fence =
                    new WriteFence(
                            place.database(),
                            Direction.FORWARD.id(premises.migration()),
                            List.of(),
                            WriteFence.Limits.standard())) {
                switch (fence.remove()) {
                    case WriteFence.Outcome.Done _ -> {}
                    case WriteFence.Outcome.Refused(List<String> reasons) -> {
                        return new Effect.Waiting(String.join(" ", reasons));
                    }
                    case WriteFence.Outcome.Busy(String table, List<WriteFence.OpenWork> _) -> {
                        return new Effect.Waiting(
                                "Table %s is locked by other transactions.".formatted(table));
                    }
                }
            }
        }
        return new Effect.Done(found);
    }

    private Effect topics() throws IOException {
        Optional<Path> folder = premises.log().folder();
        if (folder.isPresent() && !Files.exists(folder.get())) {
            return new Effect.Done(NOTHING);
        }
        String found;
        boolean shared;
        try (StreamNames names = new StreamNames(premises.log().settings(), premises.streams())) {
            found = described(names);
            names.delete();
            shared = names.foreignTopics().stream().anyMatch(topic -> !topic.startsWith("__"));
        }
        if (folder.isEmpty()) {
            return new Effect.Done(found);
        }
        if (shared) {
            return new Effect.Done(
                    found + " The broker's folder stays: it contains topics of other migrations.");
        }
        premises.log().stop();
        Folders.delete(folder.get());
        return new Effect.Done(found + " The embedded broker's folder is deleted.");
    }

    private static String described(StreamNames names) {
        SortedSet<String> topics = names.topics();
        SortedSet<String> groups = names.groups();
        return topics.isEmpty() && groups.isEmpty()
                ? NOTHING
                : "Topics: %s. Consumer groups: %s."
                        .formatted(String.join(", ", topics), String.join(", ", groups));
    }

    private Effect control(Keeper keeper) throws SQLException, IOException {
        List<String> notes = new ArrayList<>();
        for (Place place : premises.places()) {
            notes.add(
                    switch (place.rows().remove(journals -> keeper.keep(place.name(), journals))) {
                        case Removal.Gone _ ->
                                "The %s has no schema millrace.".formatted(place.name());
                        case Removal.SchemaStays(String reason) ->
                                "The rows are removed from the schema millrace of the %s, which stays: %s."
                                        .formatted(place.name(), reason);
                    });
        }
        return new Effect.Done(String.join(" ", notes));
    }

    private Effect files() throws IOException {
        String found = found();
        for (Path folder : premises.folders()) {
            Folders.delete(folder);
        }
        return new Effect.Done(found);
    }

    private String found() {
        List<String> existing =
                premises.folders().stream().filter(Files::exists).map(Path::toString).toList();
        return existing.isEmpty() ? NOTHING : "Folders: " + String.join(", ", existing) + ".";
    }

    /// What a step removes on both databases.
    private String found(EndingStep step) throws SQLException {
        List<String> prefixes =
                switch (step) {
                    case SLOTS -> List.of("replication slot ", "publication ");
                    case ORIGINS -> List.of("replication origin ");
                    case FENCES -> List.of("trigger ");
                    case CONTROL -> List.of("schema ");
                    case STOP, INDEXES, TOPICS, FILES, RENAME -> List.of();
                };
        List<String> found = new ArrayList<>();
        for (Place place : premises.places()) {
            place.objects().find().stream()
                    .filter(object -> prefixes.stream().anyMatch(object::startsWith))
                    .map(object -> object + " (" + place.name() + ")")
                    .sorted()
                    .forEach(found::add);
        }
        return found.isEmpty() ? NOTHING : "Found: " + String.join(", ", found) + ".";
    }

    /// What a step would do now. Changes nothing.
    ///
    /// @param renames of the step RENAME
    String preview(EndingStep step, List<OldTables.Rename> renames) throws SQLException {
        return switch (step) {
            case STOP, INDEXES -> step.text();
            case SLOTS, ORIGINS, FENCES, CONTROL -> step.text() + " " + found(step);
            case TOPICS -> {
                try (StreamNames names =
                        new StreamNames(premises.log().settings(), premises.streams())) {
                    yield step.text() + " " + described(names);
                }
            }
            case FILES -> step.text() + " " + found();
            case RENAME ->
                    step.text()
                            + " "
                            + renames.stream()
                                    .map(OldTables.Rename::text)
                                    .collect(Collectors.joining(", "))
                            + ".";
        };
    }

    /// Releases the lock.
    @Override
    public void close() {
        OwnerStore held = owner;
        owner = null;
        if (held != null) {
            held.close();
        }
    }
}
