package dev.millrace.rollback;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableRule.PartOfRow;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.WayBack.Kept;
import dev.millrace.mapping.WayBack.PartOf;
import dev.millrace.rollback.RollbackMeter.Estimate;
import dev.millrace.rollback.RollbackMeter.Loss;
import dev.millrace.sql.Node;
import dev.millrace.sql.Relation;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RollbackMeterTest {

    private static final TableId USERS = new TableId("public", "users");
    private static final Relation TABLE =
            new Relation(
                    USERS,
                    Stream.of("id", "email", "tier", "search")
                            .map(RollbackMeterTest::column)
                            .toList(),
                    List.of("id"));

    private static Relation.Column column(String name) {
        return new Relation.Column(
                name,
                new Relation.SqlType("pg_catalog", "text", "text", -1, Optional.empty()),
                false,
                name.equals("search"),
                Relation.Collation.NONE);
    }

    private static RowSchema written(String... columns) {
        return RowSchema.keyed(USERS, List.of(columns), List.of("id"));
    }

    private static List<Loss> losses(List<RowSchema> written, Map<TableId, TableRule> rules) {
        return RollbackMeter.losses(written, rules, List.of(TABLE));
    }

    @Test
    void aTableThatGetsBackEveryColumnLosesNothing() {
        assertThat(losses(List.of(written("id", "email", "tier")), Map.of())).isEmpty();
    }

    @Test
    void aColumnThatIsNotWrittenDoesNotComeBack() {
        assertThat(losses(List.of(written("id", "email")), Map.of()))
                .containsExactly(new Loss(USERS, List.of(), List.of("tier")));
    }

    @Test
    void aColumnOfWhichAPartIsLostComesBackWithLosses() {
        TableRule rule =
                new TableRule(
                        Map.of("email", new Kept(new Node.Text(0, "x"), true)),
                        TableRule.NONE.truncation());

        assertThat(losses(List.of(written("id", "email", "tier")), Map.of(USERS, rule)))
                .containsExactly(new Loss(USERS, List.of("email"), List.of()));
    }

    /// The rows of one source table are in two target tables.
    @Test
    void aColumnThatOnlyOneTargetTableGivesDoesNotComeBack() {
        assertThat(
                        losses(
                                List.of(written("id", "email", "tier"), written("id", "email")),
                                Map.of()))
                .containsExactly(new Loss(USERS, List.of(), List.of("tier")));
    }

    /// The columns of each row of one source table are in two target tables.
    @Test
    void theColumnsOfASplitComeBackTogether() {
        TableRule rule =
                new TableRule(
                        Map.of(),
                        TableRule.NONE.truncation(),
                        Optional.of(
                                new PartOfRow(
                                        new TableId("millrace", "parts"),
                                        List.of("id"),
                                        new PartOf(0, 2, List.of(), List.of()))));
        List<RowSchema> parts =
                List.of(
                        RowSchema.keyed(USERS.withPart("a"), List.of("id", "email"), List.of("id")),
                        RowSchema.keyed(USERS.withPart("b"), List.of("id", "tier"), List.of("id")));

        assertThat(losses(parts, Map.of(USERS.withPart("a"), rule, USERS.withPart("b"), rule)))
                .isEmpty();
    }

    @Test
    void theEstimateNamesWhatItAddsUp() {
        Estimate estimate =
                Estimate.of(
                        Optional.of(Duration.ofMillis(412)), Optional.of(Duration.ofMillis(600)));

        assertThat(estimate.seconds()).isEqualTo(1.012);
        assertThat(estimate.basis()).contains("0.412 s", "0.600 s");
    }

    @Test
    void thereIsNoEstimateWithoutABasis() {
        assertThat(Estimate.of(Optional.empty(), Optional.of(Duration.ZERO)).seconds()).isNull();
        assertThat(Estimate.of(Optional.of(Duration.ZERO), Optional.empty()).seconds()).isNull();
        assertThat(Estimate.of(Optional.empty(), Optional.empty()).basis()).contains("unknown");
    }

    @Test
    void theWindowIsOverFromItsEndOn() {
        Instant end = Instant.parse("2026-12-01T00:00:00Z");
        RollbackPrice price = price(end);

        assertThat(price.overdue(end.minusMillis(1))).isEmpty();
        assertThat(price.overdue(end))
                .hasValueSatisfying(
                        text -> assertThat(text).contains("2026-12-01T00:00:00Z", "complete"));
        assertThat(price(null).overdue(end)).isEmpty();
    }

    private static RollbackPrice price(@Nullable Instant end) {
        return new RollbackPrice(
                null,
                end,
                null,
                RollbackPrice.ReverseLag.UNKNOWN,
                List.of(),
                null,
                "unknown",
                false);
    }
}
