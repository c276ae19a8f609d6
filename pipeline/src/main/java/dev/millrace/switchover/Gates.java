package dev.millrace.switchover;

import dev.millrace.switchover.GateFacts.Limits;
import dev.millrace.switchover.GateFacts.Sides;
import dev.millrace.switchover.GateFacts.Verdict;
import dev.millrace.switchover.GateFacts.Verdict.BrokenBond;
import dev.millrace.switchover.Operation.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Decides which gates are open. Pure. A fact that is unknown closes its gate.
final class Gates {

    private static final String UNKNOWN = "unknown";

    private final Kind kind;
    private final GateFacts facts;
    private final Limits limits;
    private final Instant now;

    private Gates(Kind kind, GateFacts facts, Limits limits, Instant now) {
        this.kind = kind;
        this.facts = facts;
        this.limits = limits;
        this.now = now;
    }

    static List<Gate> judge(Kind kind, GateFacts facts, Limits limits, Instant now) {
        return new Gates(kind, facts, limits, now).all();
    }

    private List<Gate> all() {
        List<Gate> gates = new ArrayList<>();
        gates.add(phase());
        if (kind == Kind.SWITCHOVER) {
            gates.add(flow());
            gates.add(verdict());
        }
        gates.add(lag());
        gates.add(rejected());
        if (kind == Kind.SWITCHOVER) {
            gates.add(plan());
            gates.add(schema());
            gates.addAll(readiness());
        }
        gates.add(transactions());
        gates.add(
                nothing(
                        "subscriptions",
                        Sides::subscriptions,
                        "A subscription would write past the switchover. Disable these subscriptions"));
        gates.add(
                nothing(
                        "login-role",
                        Sides::strangers,
                        "The fence does not refuse this role. Let these programs log in as another role"));
        gates.add(
                nothing(
                        kind.to() + "-constraints",
                        Sides::unready,
                        "Validate these constraints and rebuild these indexes"));
        if (kind == Kind.SWITCHOVER) {
            gates.add(parity());
            gates.add(free("target-fence", facts.targetFence()));
        } else {
            gates.add(free("sequences", facts.sequences()));
        }
        gates.add(privileges());
        gates.add(free("routes", facts.routes()));
        return List.copyOf(gates);
    }

    private Gate phase() {
        String required =
                switch (kind) {
                    case SWITCHOVER -> "IN_SYNC";
                    case ROLLBACK -> "REVERSIBLE";
                };
        return facts.phase().equals(required)
                ? Gate.open("phase", facts.phase(), required)
                : Gate.closed("phase", facts.phase(), required, wrongPhase());
    }

    private String wrongPhase() {
        return switch (facts.phase()) {
            case "UNRESOLVED" ->
                    "The last operation asks a question. Read it with 'millrace status', then run 'millrace resolve'.";
            case "SWITCHING_OVER" ->
                    "An operation that moves the traffic is running. Wait for its end, see 'millrace status'.";
            default ->
                    switch (kind) {
                        case SWITCHOVER ->
                                facts.phase().equals("REVERSIBLE")
                                        ? "The application writes to the target already."
                                        : "The target is not up to date. Wait until 'millrace status' shows IN_SYNC.";
                        case ROLLBACK -> "There is no finished switchover to take back.";
                    };
        };
    }

    private Gate flow() {
        return facts.holds().isEmpty()
                ? Gate.open("flow", "runs", "runs")
                : Gate.closed("flow", "held", "runs", sentence(String.join(". ", facts.holds())));
    }

    private static String sentence(String clause) {
        return clause.substring(0, 1).toUpperCase(Locale.ROOT) + clause.substring(1) + ".";
    }

    private Gate verdict() {
        String limit = "equal, at most " + words(limits.verdictMaxAge()) + " old";
        if (facts.verdict().isEmpty()) {
            return Gate.closed(
                    "verdict", "none", limit, "No verdict available. Run 'millrace reconcile'.");
        }
        Verdict verdict = facts.verdict().get();
        Duration age = Duration.between(verdict.finishedAt(), now);
        String value = verdict.word() + ", " + words(age) + " old";
        if (!verdict.word().equals("equal")) {
            return Gate.closed(
                    "verdict",
                    value,
                    limit,
                    "The target is not proved equal. Read the report, remove the cause, and run 'millrace reconcile' again.");
        }
        List<BrokenBond> broken = new ArrayList<>(verdict.broken());
        expired(age).ifPresent(why -> broken.add(new BrokenBond("expiry", why)));
        return broken.isEmpty()
                ? Gate.open("verdict", value, limit)
                : Gate.closed(
                        "verdict",
                        value
                                + ", broken: "
                                + broken.stream()
                                        .map(BrokenBond::name)
                                        .collect(Collectors.joining(", ")),
                        limit,
                        broken.stream()
                                .map(bond -> bond.name() + " (" + bond.reason() + ")")
                                .collect(
                                        Collectors.joining(
                                                ", ",
                                                "The verdict no longer holds: ",
                                                ". Run 'millrace reconcile' again.")));
    }

    private Optional<String> expired(Duration age) {
        if (age.isNegative()) {
            return Optional.of("the verdict is dated in the future");
        }
        return age.compareTo(limits.verdictMaxAge()) > 0
                ? Optional.of("switchover.verdict-max-age is " + words(limits.verdictMaxAge()))
                : Optional.empty();
    }

    private Gate lag() {
        String limit = "below " + words(limits.lagBelow());
        return facts.lag()
                .map(
                        lag ->
                                lag.compareTo(limits.lagBelow()) < 0
                                        ? Gate.open("lag", words(lag), limit)
                                        : Gate.closed(
                                                "lag",
                                                words(lag),
                                                limit,
                                                "The %s would be closed for at least this time. Wait until the lag is lower."
                                                        .formatted(kind.from())))
                .orElseGet(
                        () ->
                                Gate.closed(
                                        "lag",
                                        UNKNOWN,
                                        limit,
                                        "The lag cannot be measured. See 'millrace status' for the reason."));
    }

    private Gate rejected() {
        if (facts.rejected().isEmpty() || facts.incompleteKeys().isEmpty()) {
            return Gate.closed(
                    "rejected",
                    UNKNOWN,
                    "0",
                    "It is unknown whether every change was applied. See 'millrace status' for the reason.");
        }
        long waiting = facts.rejected().getAsLong() + facts.incompleteKeys().getAsLong();
        return waiting == 0
                ? Gate.open("rejected", "0", "0")
                : Gate.closed(
                        "rejected",
                        String.valueOf(waiting),
                        "0",
                        "Changes are missing on the %s: %d not applied, %d keys whose row is read again. See 'millrace status' for the tables."
                                .formatted(
                                        kind.to(),
                                        facts.rejected().getAsLong(),
                                        facts.incompleteKeys().getAsLong()));
    }

    private Gate plan() {
        return facts.plan()
                .map(
                        plan ->
                                plan.refusals().isEmpty()
                                        ? Gate.open("plan", "accepted", "accepted")
                                        : Gate.closed(
                                                "plan",
                                                "refused",
                                                "accepted",
                                                String.join(" ", plan.refusals())))
                .orElseGet(() -> unplanned("plan", "accepted"));
    }

    private Gate schema() {
        return facts.plan()
                .flatMap(GateFacts.Plan::changedTables)
                .map(
                        changed ->
                                changed.isEmpty()
                                        ? Gate.open("schema", "unchanged", "unchanged")
                                        : Gate.closed(
                                                "schema",
                                                "changed: " + changed,
                                                "unchanged",
                                                "The mappings give another result on today's tables. If 'millrace status' shows a paused table, do what it says, for example 'millrace resume --table SCHEMA.TABLE --accept-schema'. If you accepted a type with which a SELECT computes, start the service again. Otherwise undo the change of the schema, or begin a new migration."))
                .orElseGet(() -> unplanned("schema", "unchanged"));
    }

    private static Gate unplanned(String name, String limit) {
        return Gate.closed(
                name,
                UNKNOWN,
                limit,
                "The mappings cannot be checked today. Run 'millrace plan' for the reason.");
    }

    private List<Gate> readiness() {
        List<Gate> gates = new ArrayList<>();
        facts.plan()
                .ifPresent(
                        plan ->
                                new TreeMap<>(plan.readiness())
                                        .forEach(
                                                (name, lacks) ->
                                                        gates.add(readiness(name, lacks))));
        return gates;
    }

    /// Some findings about sequences only an operator can judge; what cannot be advanced fails its
    /// step.
    private static Gate readiness(String name, List<String> lacks) {
        String reason = String.join(" ", lacks);
        return lacks.isEmpty()
                ? Gate.open(name, "ready", "ready")
                : name.equals("sequences")
                        ? Gate.doubtful(name, "not ready", "ready", reason)
                        : Gate.closed(name, "not ready", "ready", reason);
    }

    private Gate transactions() {
        String name = "transactions";
        return facts.sides()
                .filter(sides -> sides.transactions().isEmpty())
                .flatMap(Sides::hidden)
                .map(hidden -> Gate.closed(name, UNKNOWN, "none", hidden))
                .orElseGet(
                        () ->
                                nothing(
                                        name,
                                        Sides::transactions,
                                        "The fence would wait for them. End these transactions, or wait for their end"));
    }

    private Gate nothing(String name, Function<Sides, List<String>> found, String remedy) {
        if (facts.sides().isEmpty()) {
            return unread(name, "none");
        }
        List<String> objects = found.apply(facts.sides().get());
        return objects.isEmpty()
                ? Gate.open(name, "none", "none")
                : Gate.closed(
                        name,
                        String.valueOf(objects.size()),
                        "none",
                        remedy + ": " + String.join(", ", objects) + ".");
    }

    private static Gate unread(String name, String limit) {
        return Gate.closed(
                name,
                UNKNOWN,
                limit,
                "The catalogs could not be read. See 'millrace status' for the reason.");
    }

    /// An application may use other roles on the target, which only the operator can know.
    private Gate privileges() {
        String name = kind.to() + "-privileges";
        String limit = "as on the " + kind.from();
        if (facts.sides().isEmpty()) {
            return unread(name, limit);
        }
        List<String> lacking = facts.sides().get().lackingRoles();
        return lacking.isEmpty()
                ? Gate.open(name, limit, limit)
                : Gate.doubtful(
                        name,
                        lacking.size() + " missing",
                        limit,
                        "Roles that write the %s lack privileges on the %s: "
                                        .formatted(kind.from(), kind.to())
                                + String.join(", ", lacking)
                                + ". Grant the privileges, or force this gate if the application uses other roles there.");
    }

    /// Only the operator knows which statements the application uses.
    private Gate parity() {
        Gate found = free("parity", facts.parity());
        return found.ok() || facts.parity().isEmpty()
                ? found
                : Gate.doubtful(found.name(), found.value(), found.limit(), found.reason());
    }

    private static Gate free(String name, Optional<List<String>> found) {
        return found.map(
                        problems ->
                                problems.isEmpty()
                                        ? Gate.open(name, "ready", "ready")
                                        : Gate.closed(
                                                name,
                                                problems.size() + " problems",
                                                "ready",
                                                String.join(" ", problems)))
                .orElseGet(() -> unread(name, "ready"));
    }

    private static String words(Duration time) {
        return time.compareTo(Duration.ofMinutes(2)) >= 0
                ? time.toMinutes() + " min"
                : time.toMillis() >= 10_000
                        ? time.toSeconds() + " s"
                        : time.toMillis() / 1000.0 + " s";
    }
}
