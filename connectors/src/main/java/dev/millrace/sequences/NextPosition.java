package dev.millrace.sequences;

import dev.millrace.postgres.Identifier;
import dev.millrace.sequences.Sequence.Supply;
import dev.millrace.sequences.SequencePlan.Position;
import dev.millrace.sequences.TargetSequences.Direction;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Decides where a sequence of the target continues: beyond every value that may be in use, plus a
/// margin. It never goes back, so a second decision changes nothing. Pure.
///
/// All values are counted in the direction of the sequence: those of a descending one are negated,
/// so that "farther" always means "greater".
final class NextPosition {

    sealed interface Decision {

        /// @param to the present position if the sequence stays
        record Known(Position to, String basis) implements Decision {}

        /// No value is left.
        record Exhausted(String message, String remedy) implements Decision {}
    }

    /// All facts about one sequence of the target.
    ///
    /// @param sources the sequences of the source that gave the existing values
    /// @param columns the columns whose values are values of the sequence
    record Use(
            Direction direction,
            Sequence sequence,
            Position position,
            List<SourceAt> sources,
            List<Column> columns) {

        Use at(Position now) {
            return new Use(direction, sequence, now, sources, columns);
        }

        /// Whether the values repeat on both sides. Then the keys of the previous round lie beyond
        /// the position, and only the source says where this round is.
        private boolean repeats() {
            return sequence.cycle()
                    && !sources.isEmpty()
                    && sources.stream()
                            .allMatch(
                                    source ->
                                            source.sequence().cycle()
                                                    && source.sequence().ascends()
                                                            == sequence.ascends());
        }
    }

    record SourceAt(Sequence sequence, Position position) {}

    /// @param farthest the value of the column that is farthest in the sequence's direction; empty
    ///   if there is none
    record Column(Supply supply, Optional<BigInteger> farthest) {}

    private record Evidence(BigInteger value, String basis) {}

    /// @param value the last value that can be used
    /// @param remedy the statement that extends it; empty if there is none
    private record Limit(BigInteger value, String remedy) {}

    private static final String OWN = "its own position";

    private final Use use;
    private final Sequence sequence;
    private final BigInteger step;
    private final BigInteger spare;
    private final BigInteger own;
    private final int margin;

    private NextPosition(Use use, int margin) {
        this.use = use;
        this.sequence = use.sequence();
        this.margin = margin;
        step = BigInteger.valueOf(sequence.increment()).abs();
        spare = step.multiply(BigInteger.valueOf(margin));
        own = lastUsed(use.position(), step);
    }

    /// @param margin how many values to leave out
    static Decision of(Use use, int margin) {
        NextPosition next = new NextPosition(use, margin);
        return use.repeats() ? next.inCycle() : next.beyond();
    }

    private Decision beyond() {
        Optional<Evidence> farthest =
                Stream.concat(
                                use.sources().stream().map(this::ofSource),
                                use.columns().stream().flatMap(this::ofColumn))
                        .max(Comparator.comparing(Evidence::value));
        boolean stays = farthest.isEmpty() || own.compareTo(beyond(farthest.get())) >= 0;
        BigInteger to = stays ? own : stepsTo(beyond(farthest.get()).max(own.add(spare)));
        String basis = stays ? OWN : farthest.get().basis();
        boolean wraps = stays && sequence.cycle();
        List<Limit> passed =
                wraps
                        ? List.of()
                        : limits().stream()
                                .filter(limit -> to.add(step).compareTo(limit.value()) > 0)
                                .toList();
        if (!passed.isEmpty()) {
            return exhausted(basis, passed);
        }
        return new Decision.Known(stays ? use.position() : position(to), basis);
    }

    private BigInteger beyond(Evidence evidence) {
        return evidence.value().add(spare);
    }

    /// Keeps the sequence's remainder: two servers may use the odd and the even numbers.
    private BigInteger stepsTo(BigInteger needed) {
        BigInteger[] steps = needed.subtract(own).divideAndRemainder(step);
        BigInteger whole = steps[1].signum() > 0 ? steps[0].add(BigInteger.ONE) : steps[0];
        return own.add(whole.multiply(step));
    }

    /// Goes forward by at most half a round; a position that is farther ahead is an old one.
    private Decision inCycle() {
        Evidence source =
                use.sources().stream()
                        .map(this::ofSource)
                        .max(Comparator.comparing(Evidence::value))
                        .orElseThrow();
        BigInteger first = forward(sequence.ascends() ? sequence.min() : sequence.max());
        BigInteger last = forward(sequence.ascends() ? sequence.max() : sequence.min());
        BigInteger round = last.subtract(first).add(BigInteger.ONE);
        BigInteger needed = first.add(beyond(source).subtract(first).mod(round));
        BigInteger ahead = own.subtract(needed).mod(round);
        if (use.position().called() && ahead.shiftLeft(1).compareTo(round) <= 0) {
            return new Decision.Known(use.position(), OWN);
        }
        BigInteger to = stepsTo(own.add(needed.subtract(own).mod(round)));
        return new Decision.Known(
                position(to.compareTo(last) > 0 ? first.add(to.subtract(first).mod(round)) : to),
                source.basis());
    }

    /// A sequence of the source that runs in the other direction may have given any value up to its
    /// limit on this side.
    private Evidence ofSource(SourceAt source) {
        Sequence from = source.sequence();
        String onSource = " on the " + use.direction().from();
        if (from.ascends() != sequence.ascends()) {
            return new Evidence(
                    forward(sequence.ascends() ? from.max() : from.min()),
                    "the range of " + from.id() + onSource);
        }
        BigInteger stepOfSource = BigInteger.valueOf(from.increment()).abs();
        return new Evidence(
                lastUsed(source.position(), stepOfSource)
                        .add(stepOfSource.multiply(BigInteger.valueOf(from.cache()))),
                from.id() + onSource + " (" + source.position() + ")");
    }

    private Stream<Evidence> ofColumn(Column column) {
        return column.farthest().stream()
                .map(
                        value ->
                                new Evidence(
                                        sequence.ascends() ? value : value.negate(),
                                        "a row in "
                                                + column.supply().named()
                                                + " ("
                                                + value
                                                + ")"));
    }

    private BigInteger lastUsed(Position position, BigInteger by) {
        BigInteger last = forward(position.lastValue());
        return position.called() ? last : last.subtract(by);
    }

    private BigInteger forward(long value) {
        BigInteger number = BigInteger.valueOf(value);
        return sequence.ascends() ? number : number.negate();
    }

    private Position position(BigInteger forward) {
        return new Position(
                (sequence.ascends() ? forward : forward.negate()).longValueExact(), true);
    }

    private List<Limit> limits() {
        boolean up = sequence.ascends();
        List<Limit> limits = new ArrayList<>();
        for (Column column : use.columns()) {
            String type = column.supply().values().sqlType();
            if (!type.equals("numeric")) {
                limits.add(
                        new Limit(
                                forward(Sequence.limit(type, up)),
                                type.equals("bigint") ? "" : widen(column.supply())));
            }
        }
        limits.add(new Limit(forward(up ? sequence.max() : sequence.min()), extend()));
        return limits;
    }

    private static String widen(Supply supply) {
        return "ALTER TABLE "
                + Identifier.quote(supply.table())
                + " ALTER COLUMN "
                + Identifier.quote(supply.column())
                + " TYPE bigint;";
    }

    private String extend() {
        boolean up = sequence.ascends();
        String alter = "ALTER SEQUENCE " + Identifier.quote(sequence.id());
        if ((up ? sequence.max() : sequence.min()) != Sequence.limit(sequence.type(), up)) {
            return alter + (up ? " NO MAXVALUE;" : " NO MINVALUE;");
        }
        return sequence.type().equals("bigint") ? "" : alter + " AS bigint;";
    }

    private Decision exhausted(String basis, List<Limit> passed) {
        BigInteger nearest =
                passed.stream().map(Limit::value).min(Comparator.naturalOrder()).orElseThrow();
        List<String> remedies =
                passed.stream()
                        .map(Limit::remedy)
                        .filter(remedy -> !remedy.isEmpty())
                        .distinct()
                        .toList();
        return new Decision.Exhausted(
                "has no value left: it must continue beyond "
                        + basis
                        + ", with a margin of "
                        + margin
                        + " values, but its last value is "
                        + (sequence.ascends() ? nearest : nearest.negate()),
                remedies.isEmpty()
                        ? "Change the values of the rows that are nearest to this limit."
                        : String.join(" ", remedies));
    }
}
