package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.cli.text.PlanView;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.PreflightReport.Reversal;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanViewTest {

    private static PreflightReport report(Status... statuses) {
        List<Finding> findings =
                Arrays.stream(statuses)
                        .map(
                                status ->
                                        new Finding(
                                                status,
                                                CheckName.CATALOG,
                                                "object",
                                                "what",
                                                status == Status.OK
                                                        ? Remedy.NONE
                                                        : Remedy.onTarget("DO this;")))
                        .toList();
        return new PreflightReport("shop", findings, List.of(), ReplicaRole.REPLICA, Reversal.NONE);
    }

    private static String shown(PreflightReport report) {
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text);
        Terminal terminal =
                new Terminal(out, out, Map.of(), InstantSource.fixed(Instant.EPOCH), false, 100);
        new PlanView(report).table(terminal);
        out.flush();
        return text.toString();
    }

    @ParameterizedTest
    @CsvSource({
        "OK;OK, 0",
        "OK;WARNING, 0",
        "WARNING;REFUSED, 3",
        "REFUSED;MISCONFIGURED, 2",
        "MISCONFIGURED;REFUSED;UNREACHABLE, 1"
    })
    void exitCodeFollowsTheWorstFinding(String statuses, int exitCode) {
        Status[] all =
                Arrays.stream(statuses.split(";")).map(Status::valueOf).toArray(Status[]::new);

        assertThat(ExitCode.of(report(all).outcome())).isEqualTo(exitCode);
    }

    @Test
    void showsTheRemedyOfARefusalAndOneLinePerPassedCheck() {
        String shown = shown(report(Status.OK, Status.REFUSED));

        assertThat(shown.lines())
                .containsExactly(
                        "STATUS   CHECK    OBJECT",
                        "ok       catalog  object",
                        "refused  catalog  object",
                        "    what",
                        "    -> On the target: DO this;",
                        "",
                        "shop cannot start: 1 problem to fix. Nothing was created.");
    }

    @Test
    void showsWhatMayBeDoneAboutAPassedCheck() {
        Finding note = Finding.note(CheckName.CATALOG, "object", "loses x", Remedy.byHand("add y"));

        assertThat(
                        shown(
                                new PreflightReport(
                                        "shop",
                                        List.of(note),
                                        List.of(),
                                        ReplicaRole.REPLICA,
                                        Reversal.NONE)))
                .contains(
                        "ok      catalog  object", "    loses x", "    -> add y", "shop can start");
    }

    @Test
    void jsonContainsEveryFinding() {
        List<Finding> findings =
                List.of(
                        new Finding(
                                Status.OK,
                                "source.version",
                                "object",
                                "what",
                                "",
                                Place.NONE,
                                "18",
                                "14"),
                        Finding.unreachable(
                                CheckName.TARGET_REACHABLE, "o", "what", Remedy.byHand("do this")));
        String json =
                new PlanView(
                                new PreflightReport(
                                        "shop",
                                        findings,
                                        List.of(),
                                        ReplicaRole.REPLICA,
                                        Reversal.NONE))
                        .json();

        assertThat(json)
                .startsWith(
                        "{\"migration\":\"shop\",\"outcome\":\"unreachable\",\"accepted\":false")
                .contains(
                        "{\"status\":\"ok\",\"severity\":\"ok\",\"group\":\"server\",\"check\":\"source.version\",\"object\":\"object\",\"value\":\"18\",\"limit\":\"14\",\"message\":\"what\",\"remedy\":\"\",\"place\":\"none\"}")
                .contains(
                        "\"severity\":\"blocked\"",
                        "\"value\":null",
                        "\"remedy\":\"do this\",\"place\":\"operator\"");
        assertThat(
                        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                                .getSchema(PlanView.schema(), InputFormat.JSON)
                                .validate(json, InputFormat.JSON))
                .isEmpty();
    }
}
