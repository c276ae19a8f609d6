package dev.millrace.switchover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.switchover.GateFacts.Limits;
import dev.millrace.switchover.GateFacts.Plan;
import dev.millrace.switchover.GateFacts.Sides;
import dev.millrace.switchover.GateFacts.Verdict;
import dev.millrace.switchover.GateFacts.Verdict.BrokenBond;
import dev.millrace.switchover.Operation.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class GatesTest {

    private static final Instant NOW = Instant.parse("2026-01-02T12:00:00Z");
    private static final Limits LIMITS = new Limits(Duration.ofMinutes(10), Duration.ofSeconds(5));
    private static final Sides IDLE =
            new Sides(List.of(), Optional.empty(), List.of(), List.of(), List.of(), List.of());

    /// Every fact as a switchover needs it.
    private static final GateFacts READY =
            new GateFacts(
                    "IN_SYNC",
                    Optional.of(new Verdict("equal", NOW.minusSeconds(600), List.of())),
                    Optional.of(Duration.ofMillis(4_999)),
                    OptionalLong.of(0),
                    OptionalLong.of(0),
                    Optional.of(
                            new Plan(
                                    Map.of("origins", List.of()),
                                    List.of(),
                                    Optional.of(List.of()))),
                    Optional.of(IDLE),
                    Optional.of(List.of()),
                    Optional.of(List.of()),
                    Optional.of(List.of()),
                    Optional.of(List.of()),
                    List.of());

    private record Facts(
            String phase,
            Optional<Verdict> verdict,
            Optional<Duration> lag,
            OptionalLong rejected,
            OptionalLong incompleteKeys,
            Optional<Plan> plan,
            Optional<Sides> sides,
            Optional<List<String>> targetFence,
            Optional<List<String>> routes,
            List<String> holds) {

        static final Facts READY =
                new Facts(
                        GatesTest.READY.phase(),
                        GatesTest.READY.verdict(),
                        GatesTest.READY.lag(),
                        GatesTest.READY.rejected(),
                        GatesTest.READY.incompleteKeys(),
                        GatesTest.READY.plan(),
                        GatesTest.READY.sides(),
                        GatesTest.READY.targetFence(),
                        GatesTest.READY.routes(),
                        GatesTest.READY.holds());

        GateFacts facts() {
            return new GateFacts(
                    phase,
                    verdict,
                    lag,
                    rejected,
                    incompleteKeys,
                    plan,
                    sides,
                    GatesTest.READY.parity(),
                    GatesTest.READY.sequences(),
                    targetFence,
                    routes,
                    holds);
        }

        Facts phase(String other) {
            return new Facts(
                    other,
                    verdict,
                    lag,
                    rejected,
                    incompleteKeys,
                    plan,
                    sides,
                    targetFence,
                    routes,
                    holds);
        }

        Facts verdict(Optional<Verdict> other) {
            return new Facts(
                    phase,
                    other,
                    lag,
                    rejected,
                    incompleteKeys,
                    plan,
                    sides,
                    targetFence,
                    routes,
                    holds);
        }

        Facts verdict(String word, long age, BrokenBond... broken) {
            return verdict(Optional.of(new Verdict(word, NOW.minusSeconds(age), List.of(broken))));
        }

        Facts lag(Optional<Duration> other) {
            return new Facts(
                    phase,
                    verdict,
                    other,
                    rejected,
                    incompleteKeys,
                    plan,
                    sides,
                    targetFence,
                    routes,
                    holds);
        }

        Facts waiting(OptionalLong rejectedChanges, OptionalLong keys) {
            return new Facts(
                    phase,
                    verdict,
                    lag,
                    rejectedChanges,
                    keys,
                    plan,
                    sides,
                    targetFence,
                    routes,
                    holds);
        }

        Facts plan(Optional<Plan> other) {
            return new Facts(
                    phase,
                    verdict,
                    lag,
                    rejected,
                    incompleteKeys,
                    other,
                    sides,
                    targetFence,
                    routes,
                    holds);
        }

        Facts sides(Optional<Sides> other) {
            return new Facts(
                    phase,
                    verdict,
                    lag,
                    rejected,
                    incompleteKeys,
                    plan,
                    other,
                    targetFence,
                    routes,
                    holds);
        }

        Facts targetFence(Optional<List<String>> other) {
            return new Facts(
                    phase,
                    verdict,
                    lag,
                    rejected,
                    incompleteKeys,
                    plan,
                    sides,
                    other,
                    routes,
                    holds);
        }

        Facts routes(Optional<List<String>> other) {
            return new Facts(
                    phase,
                    verdict,
                    lag,
                    rejected,
                    incompleteKeys,
                    plan,
                    sides,
                    targetFence,
                    other,
                    holds);
        }

        Facts holds(List<String> other) {
            return new Facts(
                    phase,
                    verdict,
                    lag,
                    rejected,
                    incompleteKeys,
                    plan,
                    sides,
                    targetFence,
                    routes,
                    other);
        }
    }

    /// @param gate the only gate that the change closes
    private record Closed(String gate, String what, UnaryOperator<Facts> change) {
        @Override
        public String toString() {
            return gate + ": " + what;
        }
    }

    private static Stream<Closed> closed() {
        return Stream.of(
                new Closed("phase", "catching up", facts -> facts.phase("CATCHING_UP")),
                new Closed(
                        "flow",
                        "apply is paused",
                        facts -> facts.holds(List.of("apply is paused by ann"))),
                new Closed("verdict", "none", facts -> facts.verdict(Optional.empty())),
                new Closed("verdict", "different", facts -> facts.verdict("different", 1)),
                new Closed("verdict", "undecided", facts -> facts.verdict("undecided", 1)),
                new Closed("verdict", "too old", facts -> facts.verdict("equal", 601)),
                new Closed("verdict", "from the future", facts -> facts.verdict("equal", -1)),
                new Closed(
                        "verdict",
                        "a broken bond",
                        facts -> facts.verdict("equal", 1, new BrokenBond("spec", "changed"))),
                new Closed("lag", "unknown", facts -> facts.lag(Optional.empty())),
                new Closed("lag", "too high", facts -> facts.lag(Optional.of(LIMITS.lagBelow()))),
                new Closed(
                        "rejected",
                        "one change",
                        facts -> facts.waiting(OptionalLong.of(1), OptionalLong.of(0))),
                new Closed(
                        "rejected",
                        "one key",
                        facts -> facts.waiting(OptionalLong.of(0), OptionalLong.of(1))),
                new Closed(
                        "rejected",
                        "unknown changes",
                        facts -> facts.waiting(OptionalLong.empty(), OptionalLong.of(0))),
                new Closed(
                        "rejected",
                        "unknown keys",
                        facts -> facts.waiting(OptionalLong.of(0), OptionalLong.empty())),
                new Closed(
                        "plan",
                        "refused",
                        facts ->
                                facts.plan(
                                        Optional.of(
                                                new Plan(
                                                        Map.of(),
                                                        List.of("crm.customer: gone. Create it."),
                                                        Optional.of(List.of()))))),
                new Closed(
                        "schema",
                        "unknown",
                        facts ->
                                facts.plan(
                                        Optional.of(
                                                new Plan(Map.of(), List.of(), Optional.empty())))),
                new Closed(
                        "schema",
                        "changed",
                        facts ->
                                facts.plan(
                                        Optional.of(
                                                new Plan(
                                                        Map.of(),
                                                        List.of(),
                                                        Optional.of(
                                                                List.of(
                                                                        new TableId(
                                                                                "crm",
                                                                                "customer"))))))),
                new Closed(
                        "origins",
                        "lacking",
                        facts ->
                                facts.plan(
                                        Optional.of(
                                                new Plan(
                                                        Map.of("origins", List.of("None is free.")),
                                                        List.of(),
                                                        Optional.of(List.of()))))),
                new Closed(
                        "transactions",
                        "old",
                        facts -> facts.sides(some(0, "session 7 of app (99 s)"))),
                new Closed(
                        "subscriptions", "one", facts -> facts.sides(some(1, "s on the source"))),
                new Closed("login-role", "psql", facts -> facts.sides(some(2, "session 8 (psql)"))),
                new Closed(
                        "target-constraints", "one", facts -> facts.sides(some(3, "customer.fk"))),
                new Closed(
                        "target-privileges",
                        "one",
                        facts -> facts.sides(some(4, "app on crm.customer"))),
                new Closed("target-fence", "unknown", facts -> facts.targetFence(Optional.empty())),
                new Closed(
                        "target-fence",
                        "open",
                        facts -> facts.targetFence(Optional.of(List.of("Other roles can write.")))),
                new Closed("routes", "unknown", facts -> facts.routes(Optional.empty())),
                new Closed(
                        "routes",
                        "problem",
                        facts -> facts.routes(Optional.of(List.of("PgBouncer is down.")))));
    }

    private static Optional<Sides> some(int field, String object) {
        List<List<String>> fields =
                Stream.iterate(0, i -> i + 1)
                        .limit(5)
                        .map(i -> i == field ? List.of(object) : List.<String>of())
                        .toList();
        return Optional.of(
                new Sides(
                        fields.get(0),
                        Optional.empty(),
                        fields.get(1),
                        fields.get(2),
                        fields.get(3),
                        fields.get(4)));
    }

    @Test
    void transactionsThatAreHiddenAreNotKnown() {
        Sides hidden =
                new Sides(
                        List.of(),
                        Optional.of("Role millrace cannot see them."),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of());
        GateFacts facts = Facts.READY.sides(Optional.of(hidden)).facts();

        assertThat(Switchover.judge(Kind.SWITCHOVER, facts, LIMITS, NOW).gates())
                .filteredOn(gate -> !gate.ok())
                .singleElement()
                .isEqualTo(
                        Gate.closed(
                                "transactions",
                                "unknown",
                                "none",
                                "Role millrace cannot see them."));
    }

    @Test
    void everyGateIsOpenWhenEverythingIsReady() {
        Switchover switchover = Switchover.judge(Kind.SWITCHOVER, READY, LIMITS, NOW);

        assertThat(switchover.gates()).allMatch(Gate::ok).hasSize(16);
        assertThat(switchover.refusal(Set.of())).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("closed")
    void oneFactClosesItsGateAlone(Closed closed) {
        Switchover switchover =
                Switchover.judge(
                        Kind.SWITCHOVER, closed.change().apply(Facts.READY).facts(), LIMITS, NOW);

        assertThat(switchover.gates())
                .filteredOn(gate -> !gate.ok())
                .singleElement()
                .satisfies(
                        gate -> {
                            assertThat(gate.name()).isEqualTo(closed.gate());
                            assertThat(gate.reason()).endsWith(".").hasSizeGreaterThan(5);
                            assertThat(gate.value()).isNotEmpty();
                            assertThat(gate.limit()).isNotEmpty();
                        });
        assertThat(switchover.refusal(Set.of()).orElseThrow())
                .startsWith("Gate " + closed.gate() + " is closed (");
    }

    @Test
    void theGateNamesEachBrokenBond() {
        Facts facts =
                Facts.READY.verdict(
                        "equal",
                        601,
                        new BrokenBond("spec", "the file changed"),
                        new BrokenBond("source-schema", "public.users changed"));

        Gate gate =
                Switchover.judge(Kind.SWITCHOVER, facts.facts(), LIMITS, NOW).gates().stream()
                        .filter(each -> each.name().equals("verdict"))
                        .findFirst()
                        .orElseThrow();

        assertThat(gate.value())
                .isEqualTo("equal, 10 min old, broken: spec, source-schema, expiry");
        assertThat(gate.reason())
                .isEqualTo(
                        "The verdict no longer holds: spec (the file changed), source-schema"
                                + " (public.users changed), expiry (switchover.verdict-max-age is"
                                + " 10 min). Run 'millrace reconcile' again.");
    }

    @Test
    void unknownCatalogsCloseEveryGateThatNeedsThem() {
        Switchover switchover =
                Switchover.judge(
                        Kind.SWITCHOVER, Facts.READY.sides(Optional.empty()).facts(), LIMITS, NOW);

        assertThat(switchover.gates())
                .filteredOn(gate -> !gate.ok())
                .extracting(Gate::name)
                .containsExactly(
                        "transactions",
                        "subscriptions",
                        "login-role",
                        "target-constraints",
                        "target-privileges");
    }

    @Test
    void anUnknownPlanClosesWhatDependsOnIt() {
        Switchover switchover =
                Switchover.judge(
                        Kind.SWITCHOVER, Facts.READY.plan(Optional.empty()).facts(), LIMITS, NOW);

        assertThat(switchover.gates())
                .filteredOn(gate -> !gate.ok())
                .extracting(Gate::name)
                .containsExactly("plan", "schema");
    }

    @Test
    void onlyAForceableGateIsForced() {
        Switchover privileges =
                Switchover.judge(
                        Kind.SWITCHOVER,
                        Facts.READY.sides(some(4, "app on crm.customer")).facts(),
                        LIMITS,
                        NOW);
        Switchover verdict =
                Switchover.judge(
                        Kind.SWITCHOVER,
                        Facts.READY.verdict(Optional.empty()).facts(),
                        LIMITS,
                        NOW);
        Switchover sequences =
                Switchover.judge(
                        Kind.SWITCHOVER,
                        Facts.READY
                                .plan(
                                        Optional.of(
                                                new Plan(
                                                        Map.of("sequences", List.of("CACHE 20.")),
                                                        List.of(),
                                                        Optional.of(List.of()))))
                                .facts(),
                        LIMITS,
                        NOW);

        assertThat(sequences.refusal(Set.of())).isPresent();
        assertThat(sequences.refusal(Set.of("sequences"))).isEmpty();

        Switchover wayBack =
                Switchover.judge(
                        Kind.SWITCHOVER,
                        Facts.READY
                                .plan(
                                        Optional.of(
                                                new Plan(
                                                        Map.of("way-back", List.of("Partial.")),
                                                        List.of(),
                                                        Optional.of(List.of()))))
                                .facts(),
                        LIMITS,
                        NOW);
        assertThat(wayBack.refusal(Set.of("way-back")))
                .hasValue("Gate way-back is closed and cannot be forced (not ready): Partial.");

        assertThat(privileges.refusal(Set.of("target-privileges"))).isEmpty();
        assertThat(verdict.refusal(Set.of("verdict")).orElseThrow())
                .startsWith("Gate verdict is closed and cannot be forced (");
        assertThat(verdict.refusal(Set.of("verdct")).orElseThrow())
                .startsWith("Unknown gates: verdct.");
    }

    private static GateFacts with(
            String phase, Optional<List<String>> parity, Optional<List<String>> sequences) {
        return new GateFacts(
                phase,
                READY.verdict(),
                READY.lag(),
                READY.rejected(),
                READY.incompleteKeys(),
                READY.plan(),
                READY.sides(),
                parity,
                sequences,
                READY.targetFence(),
                READY.routes(),
                READY.holds());
    }

    private static Switchover withParity(Optional<List<String>> lacking) {
        return Switchover.judge(
                Kind.SWITCHOVER, with(READY.phase(), lacking, READY.sequences()), LIMITS, NOW);
    }

    private static Switchover rollbackWith(Optional<List<String>> sequences) {
        return Switchover.judge(
                Kind.ROLLBACK, with("REVERSIBLE", READY.parity(), sequences), LIMITS, NOW);
    }

    /// What cannot be advanced would end the rollback at its first step.
    @Test
    void aSequenceThatARollbackCannotAdvanceClosesAGate() {
        Switchover lacking = rollbackWith(Optional.of(List.of("sequence a: cannot be set.")));
        Switchover unknown = rollbackWith(Optional.empty());

        assertThat(lacking.refusal(Set.of("sequences")).orElseThrow())
                .isEqualTo(
                        "Gate sequences is closed and cannot be forced (1 problems): sequence a: cannot be set.");
        assertThat(unknown.refusal(Set.of()).orElseThrow())
                .startsWith("Gate sequences is closed (unknown)");
    }

    /// Only the operator knows whether the application relies on a default. What is unknown stays
    /// closed.
    @Test
    void aColumnThatTheTargetLacksClosesAGateThatCanBeForced() {
        Switchover lacking = withParity(Optional.of(List.of("crm.customer.id has no default.")));
        Switchover unknown = withParity(Optional.empty());

        assertThat(lacking.refusal(Set.of()).orElseThrow())
                .startsWith("Gate parity is closed (1 problems):");
        assertThat(lacking.refusal(Set.of("parity"))).isEmpty();
        assertThat(unknown.refusal(Set.of("parity")).orElseThrow())
                .startsWith("Gate parity is closed and cannot be forced (unknown)");
    }

    @Test
    void aDryRunListsEveryStepInOrder() {
        Operation dryRun = Switchover.judge(Kind.SWITCHOVER, READY, LIMITS, NOW).dryRun();

        assertThat(dryRun.state().id()).isEqualTo("dryRun");
        assertThat(dryRun.steps())
                .extracting(Operation.Step::name)
                .containsExactly(
                        "arm",
                        "hold",
                        "fence",
                        "prove",
                        "watermark",
                        "applied",
                        "verdict",
                        "sequences",
                        "permanent",
                        "open",
                        "route",
                        "release");
    }

    /// yb-voyager#2235: a step of the cutover was accepted before the one that it needs.
    @ParameterizedTest
    @CsvSource({
        "SWITCHOVER, CATCHING_UP, not up to date",
        "SWITCHOVER, REVERSIBLE, writes to the target already",
        "SWITCHOVER, SWITCHING_OVER, is running",
        "SWITCHOVER, UNRESOLVED, millrace resolve",
        "ROLLBACK, IN_SYNC, no finished switchover",
        "ROLLBACK, SWITCHING_OVER, is running",
        "ROLLBACK, UNRESOLVED, millrace resolve"
    })
    void aMoveInTheWrongOrderIsRefused(Kind kind, String phase, String reason) {
        Switchover move = Switchover.judge(kind, Facts.READY.phase(phase).facts(), LIMITS, NOW);

        assertThat(move.refusal(Set.of("phase")).orElseThrow())
                .startsWith("Gate phase is closed and cannot be forced (")
                .contains(reason);
    }

    @Test
    void aRollbackNeedsNoVerdictAndNoPlan() {
        Switchover rollback =
                Switchover.judge(
                        Kind.ROLLBACK,
                        Facts.READY
                                .phase("REVERSIBLE")
                                .verdict(Optional.empty())
                                .plan(Optional.empty())
                                .facts(),
                        LIMITS,
                        NOW);

        assertThat(rollback.refusal(Set.of())).isEmpty();
        assertThat(rollback.gates())
                .extracting(Gate::name)
                .containsExactly(
                        "phase",
                        "lag",
                        "rejected",
                        "transactions",
                        "subscriptions",
                        "login-role",
                        "source-constraints",
                        "sequences",
                        "source-privileges",
                        "routes");
    }

    @Test
    void aRollbackIsRefusedWhileTheWayBackIsUnknown() {
        Switchover rollback =
                Switchover.judge(
                        Kind.ROLLBACK,
                        Facts.READY
                                .phase("REVERSIBLE")
                                .lag(Optional.empty())
                                .waiting(OptionalLong.empty(), OptionalLong.empty())
                                .facts(),
                        LIMITS,
                        NOW);

        assertThat(rollback.gates())
                .filteredOn(gate -> !gate.ok())
                .extracting(Gate::name)
                .containsExactly("lag", "rejected");
    }
}
