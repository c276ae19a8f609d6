package dev.millrace.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.flow.FlowReport;
import dev.millrace.migration.MigrationControl.Asker;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Lag;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The pages of the console as the service sends them.
class ConsoleIT {

    private static final Pattern ADDRESS = Pattern.compile("(?:href|src|hx-get)=\"([^\"#]*)\"");

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @BeforeEach
    void forget() {
        FakeMigration fresh = new FakeMigration();
        scene.migration.lag = fresh.lag;
        scene.migration.eta = fresh.eta;
        scene.migration.operation = fresh.operation;
        scene.migration.foreign = null;
        scene.migration.apply = fresh.apply;
        scene.migration.move = null;
        scene.migration.refusal = null;
        scene.migration.switchovers.clear();
        scene.migration.repairState = Operation.State.DONE;
        scene.migration.line = fresh.line;
        scene.migration.ends.clear();
        scene.migration.forgetReconciliations();
    }

    @AfterEach
    void onlyReads() {
        assertThat(scene.migration.changes).isEmpty();
        assertThat(scene.migration.switchovers)
                .allMatch(asked -> asked.action().name().equals("DRY_RUN"));
        assertThat(scene.migration.ends).allMatch(EndRequest::dryRun);
    }

    private static String page(String path) {
        Answer answer = scene.http.get(path);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualTo("text/html;charset=UTF-8");
        return answer.body();
    }

    @ParameterizedTest
    @EnumSource(Frame.Page.class)
    void everyPageShowsThePhaseAndLinksToTheOthers(Frame.Page page) {
        String body = page(page.path());

        assertThat(body).contains("<strong>shop</strong>", "catching up", page.title());
        for (Frame.Page other : Frame.Page.values()) {
            assertThat(body).contains("href=\"" + other.path() + "\"");
        }
        assertThat(body).contains("aria-current=\"page\">" + page.title());
    }

    /// A script of another origin, or one that a value of the database brings, would act as the
    /// operator.
    @ParameterizedTest
    @EnumSource(Frame.Page.class)
    void aPageLoadsOnlyWhatTheServiceHas(Frame.Page page) {
        Answer answer = scene.http.get(page.path());

        assertThat(answer.header("Content-Security-Policy"))
                .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                .doesNotContain("unsafe");
        assertThat(answer.body()).doesNotContain("style=", "<style", "onclick", "javascript:");
        Matcher address = ADDRESS.matcher(answer.body());
        while (address.find()) {
            assertThat(address.group(1)).matches("(/(?!/)[a-z0-9./?=-]*)?");
        }
        assertThat(answer.body().split("<script", -1)).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/console/style.css", "/console/actions.js", "/console/htmx.js"})
    void theServiceHasWhatAPageLoads(String path) {
        Answer answer = scene.http.get(path);

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).hasSizeGreaterThan(1_000);
        assertThat(answer.header("Content-Type"))
                .startsWith(path.endsWith(".css") ? "text/css" : "text/javascript");
    }

    @Test
    void theOverviewShowsWhatIsWrongAndWhatIsUnknown() {
        scene.migration.lag = new Lag(null, 7L, null, null);

        String body = page("/");

        assertThat(body).contains("target unreachable", "7 changes", "15 of about 45 rows");
        assertThat(body.split(">unknown<", -1)).hasSize(3);
    }

    /// What is unknown is not 0, and 0 is not shown.
    @Test
    void theOverviewShowsHowLongTheRestTakes() {
        assertThat(page("/"))
                .contains("about 2\u00a0min 0\u00a0s left")
                .contains("Time until the target has caught up: unknown.");
        scene.migration.eta = new StatusReport.Eta(null, 95.0);
        assertThat(page("/"))
                .contains("time left unknown", "caught up in about 1\u00a0min 35\u00a0s.");
        scene.migration.eta = new StatusReport.Eta(null, 0.0);

        assertThat(page("/")).doesNotContain("caught up");
    }

    @Test
    void theOverviewNamesWhatAnotherProgramWrote() {
        scene.migration.foreign = new StatusReport.ForeignWrites(3, List.of("crm.note"), null);

        assertThat(page("/"))
                .contains("3 rows that another program wrote differ from the source, in crm.note");
    }

    @Test
    void noPageSaysThatChangesAreAppliedWhileApplyIsPaused() {
        assertThat(page("/")).contains("changes are being applied");
        scene.migration.apply =
                new FlowReport.Apply(
                        true, false, null, null, null, "ann", FakeMigration.NOON, null);

        for (Frame.Page each : Frame.Page.values()) {
            assertThat(page(each.path()))
                    .contains("Nothing is written to the target")
                    .doesNotContain("changes are being applied");
        }
    }

    @Test
    void stoppedTablesComeFirstWithTheirReason() {
        String body = page("/tables");

        assertThat(body).contains("Stopped: no place for it", "10 of about 40", "1, held: 3");
        assertThat(body.indexOf("crm.customer")).isLessThan(body.indexOf("crm.note"));
    }

    private static Operation operation(Gate... gates) {
        return new Operation(
                null,
                Operation.Kind.SWITCHOVER,
                Operation.State.DRY_RUN,
                List.of(new Operation.Step("fence", "planned", null, null, "Close the source.")),
                List.of(gates),
                null,
                null);
    }

    @Test
    void theSwitchoverPageShowsEachGateWithItsReason() {
        scene.migration.operation =
                operation(
                        new Gate("phase", "IN_SYNC", "IN_SYNC", true, false, ""),
                        new Gate("verdict", "none", "equal", false, false, "Run reconcile"),
                        new Gate("use", "unknown", "none", false, true, "Look at it"));

        String body = page("/switchover");

        assertThat(body)
                .contains("2 of 3 gates are closed", "Run reconcile", "--force use", "fence")
                .doesNotContain("--force verdict");
    }

    @Test
    void theSwitchoverPageSaysWhyItCannotJudge() {
        scene.migration.refusal = "The migration has ended";

        assertThat(page("/switchover")).contains("The migration has ended.");
    }

    @Test
    void anOperationShowsItsStepsWithoutJudgingTheGatesAgain() {
        UUID id = new UUID(0, 5);
        scene.migration.operation =
                new Operation(
                        id,
                        Operation.Kind.ROLLBACK,
                        Operation.State.RUNNING,
                        List.of(
                                new Operation.Step(
                                        "drain", "done", FakeMigration.NOON, 0.0125, null)),
                        List.of(),
                        37L,
                        null);
        scene.migration.move =
                new StatusReport.Move(
                        id.toString(),
                        "rollback",
                        "running",
                        "drain",
                        null,
                        FakeMigration.NOON,
                        null,
                        null);

        assertThat(page("/switchover?part=live"))
                .contains("rollback: running", "drain", "0.013 s", "at most 37\u00a0ms")
                .doesNotContain("Gates");
        assertThat(page("/")).contains("rollback running, step drain");
        assertThat(scene.migration.switchovers).isEmpty();
    }

    @Test
    void whatCannotBeReadIsSaidOnThePage() {
        assertThat(page("/rejected")).contains("This migration runs no stream.", "id=\"live\"");
        assertThat(page("/rejected/x")).contains("No rejected key has this id");
    }

    /// Its text may quote a row.
    @Test
    void aFaultIsAnIncident() {
        scene.migration.logFailsAfter = 3;
        try {
            assertThat(page("/log?topic=changes"))
                    .contains("cannot be read now (incident ")
                    .doesNotContain("somebody@example.org");
        } finally {
            scene.migration.logFailsAfter = Integer.MAX_VALUE;
        }
    }

    @Test
    void theLogShowsTheRecordsThatWereAskedFor() {
        assertThat(page("/log")).doesNotContain("offset");
        assertThat(page("/log?topic=changes&table=crm.customer&key=1"))
                .contains("{\"offset\":99}", "Only the oldest are shown", "crm.customer");
        assertThat(page("/log?topic=target&table=crm.nothing")).contains("bad notice");
        assertThat(page("/log?topic=other")).contains("Unknown topic");
    }

    @Test
    void textOfADatabaseIsNoMarkup() {
        scene.migration.operation =
                operation(
                        new Gate(
                                "verdict",
                                "<script>alert(1)</script>",
                                "\"><img src=x>",
                                false,
                                false,
                                "'&"));

        assertThat(page("/switchover"))
                .doesNotContain("<script>alert", "<img")
                .contains("&lt;script&gt;alert(1)&lt;/script&gt;");
    }

    @Test
    void theJournalShowsTheNewestEntriesFirst() {
        String body = page("/journal");

        assertThat(body)
                .contains("ann (unverified)", "peak hour", "failed in phase IN_SYNC: no disk")
                .contains("--contains " + "c".repeat(64))
                .doesNotContain("Older entries");
        assertThat(body.indexOf("no disk")).isLessThan(body.indexOf("peak hour"));
        assertThat(page("/journal?before=3")).contains("peak hour").doesNotContain("no disk");
        assertThat(page("/journal?before=1")).contains("no such entries");
        assertThat(page("/journal?before=x")).contains("no disk");
    }

    @Test
    void theSettingsHaveTheirOriginAndNoSecret() {
        String body = page("/settings");

        assertThat(body)
                .contains("source.url", "jdbc:postgresql://db1:5432/shop")
                .contains("environment: SOURCE_URL", "file: shop.yaml:1", ">default<")
                .contains("<em class=\"note\">***</em>");
    }

    @Test
    void aTableShowsItsSelectItsWayBackAndItsLastVerdict() {
        UUID id = scene.migration.different();

        String body = page("/table?name=crm.customer");

        assertThat(page("/tables")).contains("href=\"/table?name=crm.customer\"");
        assertThat(body)
                .contains("lower(email) AS email", "with losses: email", "Stopped:")
                .contains("1, held: 3", "0.3 s", "millrace reconcile --table crm.customer")
                .contains("/api/v1/reconciliations/" + id + "?format=html", ">equal<");
        assertThat(page("/table?name=crm.note")).contains("1,234 differing rows");
        assertThat(page("/table?name=crm.nothing")).contains("no target table of this name");
    }

    /// Reports are read when the page is opened.
    @Test
    void aTableIsPolledWithoutItsVerdict() {
        scene.migration.different();

        assertThat(page("/table?name=crm.customer&part=live"))
                .contains("10 of about 40")
                .doesNotContain("Last verdict", "lower(email)");
    }

    @Test
    void aRunningComparisonShowsItsProgressAndCanBeCancelled() {
        UUID id = scene.migration.reconcile(List.of());

        String body = page("/reconciliations");

        assertThat(body)
                .contains("All rows, running", "3 of 7 tables, 1,200 of about 4,800 rows")
                .contains("value=\"25\"")
                .contains(
                        "data-action=\"/api/v1/reconciliations/"
                                + id
                                + "\" data-method=\"DELETE\"");
        scene.migration.cancelReconciliation(id, Asker.NOBODY);
        assertThat(page("/reconciliations")).doesNotContain("Cancel the comparison");
    }

    @Test
    void aReportLeadsToADryRunOfTheTablesThatDiffer() {
        UUID id = scene.migration.different();

        String body = page("/reconciliation?id=" + id);

        assertThat(page("/reconciliations")).contains("href=\"/reconciliation?id=" + id + "\"");
        assertThat(body.indexOf("crm.note")).isLessThan(body.indexOf("crm.customer"));
        assertThat(body)
                .contains("1,234", "millrace repair --dry-run --table crm.note<")
                .contains("&#34;dryRun&#34;:true", "[&#34;crm.note&#34;]")
                .doesNotContain("--table crm.customer");
        assertThat(page("/reconciliation?id=x")).contains("No finished reconciliation");
        assertThat(page("/reconciliation?id=" + scene.migration.reconcile(List.of())))
                .contains("No finished reconciliation");
    }

    @Test
    void aDryRunLeadsToTheRepairOfItsTables() {
        scene.migration.repairState = Operation.State.DRY_RUN;

        assertThat(page("/repair?id=" + FakeMigration.REPAIR))
                .contains("Dry run of a repair", "id = 8", "update", "differs")
                .contains("millrace repair --table crm.note --reason", "[&#34;crm.note&#34;]")
                .doesNotContain("dryRun", "Cancel the repair", "hx-get");
    }

    @Test
    void aRepairIsPolledAndCancelledOnlyWhileItRuns() {
        scene.migration.repairState = Operation.State.RUNNING;

        assertThat(page("/repair?id=" + FakeMigration.REPAIR))
                .contains("hx-get=\"\"")
                .contains("millrace repair --cancel")
                .doesNotContain("Repair the tables");
        scene.migration.repairState = Operation.State.DONE;
        assertThat(page("/repair?id=" + FakeMigration.REPAIR))
                .contains("as asked", "different")
                .doesNotContain("hx-get", "--cancel", "Repair the tables");
        assertThat(page("/reconciliations"))
                .contains("/repair?id=" + FakeMigration.REPAIR, "a script deleted rows");
        assertThat(page("/repair?id=" + UUID.randomUUID())).contains("No repair has this id");
    }

    @Test
    void finishedReconciliationsLinkToTheirReports() throws Exception {
        UUID id = scene.migration.reconcile(List.of());
        scene.migration.cancelReconciliation(id, Asker.NOBODY);

        String body = page("/reconciliations");

        assertThat(body).contains("/api/v1/reconciliations/" + id + "?format=html", "undecided");
        assertThat(page("/api/v1/reconciliations/" + id + "?format=html")).contains("undecided");
    }

    @Test
    void theEndIsPreviewedBeforeItIsConfirmed() {
        assertThat(page("/end?kind=complete"))
                .contains("Drop the slot.", "there is no way back", "data-typed=\"shop\"")
                .contains("data-action=\"/api/v1/complete\"", "millrace complete --reason");
        assertThat(page("/end?kind=other")).contains("Unknown end of a migration");
        scene.migration.refusal = "The traffic is on the source";
        assertThat(page("/end?kind=complete"))
                .contains("The traffic is on the source.")
                .doesNotContain("data-typed");
        assertThat(page("/end?id=" + FakeMigration.ENDING)).contains("Drop the slot.", "slots");
        assertThat(page("/end?id=x")).contains("No end of the migration has this id");
    }

    @Test
    void theTablesShowTheirLastVerdict() {
        UUID id = scene.migration.different();

        assertThat(page("/tables"))
                .contains(
                        ">different</strong> <a class=\"when\" href=\"/reconciliation?id="
                                + id
                                + "\"");
    }

    /// The token of a record in the target topic names the change that it comes from.
    @Test
    void aKeyIsFollowedFromTheSourceToTheTarget() {
        scene.migration.line =
                "{\"partition\":1,\"offset\":%1$d,\"index\":0,\"kind\":\"update\","
                        + "\"lsn\":\"0/%1$d\",\"token\":\"1:%1$d:0\","
                        + "\"row\":{\"name\":\"<b>\",\"note\":null}}";

        String body = page("/log?table=crm.customer&key=8");

        assertThat(body)
                .contains("Changes of public.users", "partition 1, offset 99, change 0")
                .contains("WAL position 0/99", "&lt;b&gt;", "<em class=\"note\">NULL</em>")
                .contains("Only the oldest are shown")
                .doesNotContain("Not mapped", "no longer has the change");
        scene.migration.line = scene.migration.line.replace("1:%1$d", "1:7");
        assertThat(page("/log?table=crm.customer&key=8")).contains("Not mapped");
        assertThat(page("/log?table=crm.nothing&key=8")).contains("no target table of this name");
    }
}
