package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.sequences.NextPosition.Decision;
import dev.millrace.sequences.Sequence.Supply;
import dev.millrace.sequences.SequenceCatalog.Side;
import dev.millrace.sequences.SequenceLinks.Arrival;
import dev.millrace.sequences.SequenceLinks.Link;
import dev.millrace.sequences.SequencePlan.Finding;
import dev.millrace.sequences.TargetSequences.Direction;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Says whether the positions can be read and set, and what an operator must do if not. Pure.
record Readability(Direction direction) {

    private static final String GRANT_COLUMN = "GRANT SELECT (%s) ON TABLE %s TO %s;";

    List<Finding> of(List<Link> links, Side source, Side target) {
        List<Finding> findings = new ArrayList<>();
        links.stream()
                .flatMap(link -> link.sources().stream())
                .distinct()
                .filter(sequence -> !sequence.access().reads())
                .forEach(sequence -> findings.add(ofSource(sequence, source.role())));
        for (Link link : links) {
            ofTarget(link, target).forEach(findings::add);
        }
        return findings.stream().distinct().toList();
    }

    /// Whether a position can be decided and set.
    static boolean isReadable(Link link) {
        return link.sequence().access().sets()
                && link.unknown().isEmpty()
                && link.comparable().allMatch(column -> column.values().readable())
                && link.sources().stream().allMatch(sequence -> sequence.access().reads());
    }

    private Finding ofSource(Sequence sequence, String role) {
        return new Finding(
                true,
                "sequence " + sequence.id() + ofSource(),
                "cannot be read by the role "
                        + role
                        + ", so it is not known which values are in use",
                sequence.access().grants(sequence.id(), false, role));
    }

    private Stream<Finding> ofTarget(Link link, Side target) {
        Sequence sequence = link.sequence();
        List<Finding> findings = new ArrayList<>();
        if (!sequence.access().sets()) {
            findings.add(
                    new Finding(
                            true,
                            object(sequence.id()),
                            "cannot be read and set by the role "
                                    + target.role()
                                    + ", so after a "
                                    + direction.move()
                                    + " new rows would get keys of existing ones",
                            sequence.access().grants(sequence.id(), true, target.role())));
        }
        link.unknown().forEach(column -> findings.add(unknown(sequence, column)));
        link.comparable().forEach(column -> findings.addAll(ofColumn(column, target.role())));
        if (sequence.cache() > 1) {
            findings.add(
                    new Finding(
                            false,
                            object(sequence.id()),
                            "gives each session "
                                    + sequence.cache()
                                    + " values at a time: a session that called nextval before the "
                                    + direction.move()
                                    + " keeps old ones",
                            "Reconnect the sessions of the %s before the %s."
                                    .formatted(direction.to(), direction.move())));
        }
        return findings.stream();
    }

    private Finding unknown(Sequence sequence, Supply column) {
        return new Finding(
                true,
                object(sequence.id()),
                "supplies "
                        + column.named()
                        + " through an expression ("
                        + column.form()
                        + "), and the "
                        + direction.from()
                        + " computes the column in another way, so it is not known which values"
                        + " are in use",
                "Give the column the default that it has on the %s, or remove its default."
                        .formatted(direction.from()));
    }

    private List<Finding> ofColumn(Supply column, String role) {
        String object = "column " + column.named() + ofTarget();
        if (!column.values().readable()) {
            return List.of(
                    new Finding(
                            true,
                            object,
                            "cannot be read by the role "
                                    + role
                                    + ", so it is not known which values are in use",
                            GRANT_COLUMN.formatted(
                                    Identifier.quote(column.column()),
                                    Identifier.quote(column.table()),
                                    Identifier.quote(role))));
        }
        return column.values().indexed()
                ? List.of()
                : List.of(
                        new Finding(
                                false,
                                object,
                                "has no index that finds its largest value, so the %s reads the whole table while the %s is fenced"
                                        .formatted(direction.move(), direction.from()),
                                "CREATE INDEX CONCURRENTLY ON "
                                        + Identifier.quote(column.table())
                                        + " ("
                                        + Identifier.quote(column.column())
                                        + ");"));
    }

    List<Finding> withoutCounterpart(List<TableId> sequences) {
        return sequences.stream()
                .map(
                        id ->
                                new Finding(
                                        false,
                                        "sequence " + id + ofSource(),
                                        "has no sequence of the same name on the " + direction.to(),
                                        "If the application uses it, create it on the %s."
                                                .formatted(direction.to())))
                .toList();
    }

    List<Finding> withoutSuccessor(SortedMap<TableId, List<Arrival>> sequences) {
        return sequences.entrySet().stream()
                .map(
                        entry -> {
                            Arrival first = entry.getValue().getFirst();
                            return new Finding(
                                    false,
                                    "sequence " + entry.getKey() + ofSource(),
                                    "supplies values of "
                                            + entry.getValue().stream()
                                                    .map(Arrival::toString)
                                                    .distinct()
                                                    .collect(Collectors.joining(", "))
                                            + ", which no sequence supplies on the "
                                            + direction.to()
                                            + ": after the "
                                            + direction.move()
                                            + " an INSERT without this column gets no value",
                                    "If the application inserts without it: ALTER TABLE "
                                            + Identifier.quote(first.table())
                                            + " ALTER COLUMN "
                                            + Identifier.quote(first.column())
                                            + " ADD GENERATED BY DEFAULT AS IDENTITY;");
                        })
                .toList();
    }

    Finding exhausted(Link link, Decision.Exhausted exhausted) {
        return new Finding(true, supplying(link), exhausted.message(), exhausted.remedy());
    }

    Finding tooSlow(Supply column) {
        return new Finding(
                true,
                "column " + column.named() + ofTarget(),
                "could not be read in time, so it is not known which values are in use",
                "CREATE INDEX CONCURRENTLY ON "
                        + Identifier.quote(column.table())
                        + " ("
                        + Identifier.quote(column.column())
                        + ");");
    }

    Finding noNumber(Supply column) {
        return new Finding(
                true,
                "column " + column.named() + ofTarget(),
                "contains NaN or Infinity, so no sequence can continue beyond its values",
                "Change these values.");
    }

    Finding inUse(Link link) {
        return new Finding(
                true,
                supplying(link),
                "is used by other sessions at this moment, so it cannot be set safely",
                "Stop the sessions that insert on the %s, and try again."
                        .formatted(direction.to()));
    }

    private String supplying(Link link) {
        String columns =
                link.columns().stream()
                        .map(Supply::named)
                        .distinct()
                        .collect(Collectors.joining(", "));
        return object(link.sequence().id()) + (columns.isEmpty() ? "" : " (" + columns + ")");
    }

    private String object(TableId sequence) {
        return "sequence " + sequence + ofTarget();
    }

    private String ofSource() {
        return " of the " + direction.from();
    }

    private String ofTarget() {
        return " of the " + direction.to();
    }
}
