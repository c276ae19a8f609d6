package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientVerbsTest {

    private static final String STATUS =
            """
            {"migration":"shop","phase":"%s","phaseSince":"2026-11-21T05:59:00.123Z","generation":1,\
            "lag":{"sourceBytes":1536,"records":null,"endToEndSeconds":0.84},\
            "tables":[{"target":"crm.customer","sources":["public.users"],\
            "backfill":{"rowsDone":%d,"rowsEstimated":10000,"done":%b},"rejected":0,"stopped":null}],\
            "parts":[{"name":"applier","state":"target is down","well":false,"since":null}],\
            "counts":{"events":1,"rows":1,"batches":1},"lastReconciliation":null,\
            "blockers":["table crm.note has no key"],"nextActions":["reconcile"],"added":"later"}""";

    private static final String REPORT =
            """
            {"migration":"shop","verdict":"%s","startedAt":"2026-11-21T06:00:00Z",\
            "finishedAt":"2026-11-21T06:00:09Z","sourceLsn":"0/1A2B","specHash":"ab","tables":[\
            {"target":"crm.customer","verdict":"%s","sourceRows":1200,"targetRows":null,\
            "sourceChecksum":"a","targetChecksum":"b","missing":1,"extra":0,"different":1,\
            "inFlight":0,"undecided":0,"seconds":1.25,"mismatches":[\
            {"key":{"id":"5"},"kind":"missing","columns":[],"cause":"no row"},\
            {"key":{"id":"7"},"kind":"different","columns":["email","name"],"cause":"x"}]}]}""";

    private Service service;

    @BeforeEach
    void startService() throws IOException {
        service = new Service();
    }

    @AfterEach
    void stopService() {
        service.close();
    }

    @Test
    void statusShowsUnknownLagAsUnknown() {
        service.json("GET /api/v1/status", status("BACKFILLING", 4000));

        Invocation verb = new Invocation().run("status", "--url", service.url());

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out())
                .contains("shop  BACKFILLING  since 2026-11-21T05:59:00Z")
                .contains("[########............]  40% 4,000 of ~10,000 rows")
                .contains("source 1.5 KiB, records unknown, end to end 0.8 s")
                .contains("applier          target is down")
                .contains("blocked          table crm.note has no key")
                .contains("reconciled       never")
                .contains("next             reconcile")
                .doesNotContain("\u001b");
        assertThat(verb.err()).isEmpty();
    }

    @Test
    void statusShowsWhatIsSetForTheBackfill() {
        String status = status("BACKFILLING", 4000);
        service.json(
                "GET /api/v1/status",
                status.substring(0, status.length() - 1)
                        + ",\"backfill\":{\"paused\":true,\"rowsPerSecond\":5000,"
                        + "\"reason\":\"peak hour\",\"who\":\"ann\",\"since\":null}}");

        Invocation verb = new Invocation().run("status", "--url", service.url());

        assertThat(verb.out())
                .contains("backfill set     paused by ann: peak hour")
                .contains("backfill set     at most 5,000 rows/s");
    }

    @Test
    void statusShowsWhatHoldsTheFlow() {
        String status = status("CATCHING_UP", 4000);
        service.json(
                "GET /api/v1/status",
                status.substring(0, status.length() - 1)
                        + ",\"apply\":{\"paused\":true,\"killed\":true,\"reason\":\"incident\","
                        + "\"who\":\"ann\",\"since\":null},"
                        + "\"stopWhen\":["
                        + condition("slow", "0.25", "below", "null")
                        + ","
                        + condition("jobs", "null", "unknown", "\"the server is away\"")
                        + ","
                        + condition("wal-budget", "0.3", "below", "null")
                        + "],\"wal\":{\"retainedBytes\":1073741824,\"budgetBytes\":10737418240,"
                        + "\"share\":0.1,\"bytesPerSecond\":1e6,\"secondsLeft\":9663.7}}");

        Invocation verb = new Invocation().run("status", "--url", service.url());

        assertThat(verb.out())
                .contains("apply set        all writes stopped by ann: incident")
                .contains("stop when        slow 25 % of its limit, then pause")
                .contains("stop when        jobs, then pause: unknown, the server is away")
                .contains("wal budget       1.0 GiB of 10.0 GiB, used up in ~2 h 41 min")
                .doesNotContain("stop when        wal-budget");
    }

    private static String condition(String name, String share, String state, String reason) {
        return """
        {"name":"%s","metric":"m","unit":"number","value":%s,"above":1,"share":%s,"forSeconds":10,\
        "then":"pause","state":"%s","reason":%s,"since":null}"""
                .formatted(name, share, share, state, reason);
    }

    @Test
    void statusCountsHeldKeys() {
        service.json(
                "GET /api/v1/status",
                status("CATCHING_UP", 4000)
                        .replace("\"stopped\":null", "\"stopped\":null,\"heldKeys\":1200"));

        Invocation verb = new Invocation().run("status", "--url", service.url());

        assertThat(verb.out().lines())
                .contains(
                        "crm.customer: held keys: 1,200. Another row is in the way; they are tried"
                                + " again by themselves.");
    }

    private Invocation statusWith(String phase, String operation) {
        String status = status(phase, 4000);
        service.json(
                "GET /api/v1/status",
                status.substring(0, status.length() - 1) + ",\"operation\":" + operation + "}");
        return new Invocation().run("status", "--url", service.url());
    }

    private Invocation statusWithPrice(String price) {
        String status = status("REVERSIBLE", 4000);
        service.json(
                "GET /api/v1/status",
                status.substring(0, status.length() - 1) + ",\"rollback\":" + price + "}");
        return new Invocation().run("status", "--url", service.url());
    }

    @Test
    void statusShowsWhatARollbackWouldCost() {
        Invocation verb =
                statusWithPrice(
                        "{\"switchedAt\":\"2026-11-21T06:00:02.5Z\",\"windowEndsAt\":\"2026-12-05T06:00:02.5Z\","
                                + "\"rowsApplied\":4100,\"lag\":{\"walBytes\":2048,\"records\":3,"
                                + "\"endToEndSeconds\":0.5,\"safeWalBytes\":null},"
                                + "\"lossy\":[{\"table\":\"public.users\",\"columns\":[\"email\"],"
                                + "\"absent\":[\"tier\"],\"rowsApplied\":12,\"since\":null}],"
                                + "\"seconds\":0.912,\"basis\":\"pause 0.412 s, lag 0.500 s\",\"comparesAllRows\":true}");

        assertThat(verb.out().lines())
                .contains(
                        "way back         4,100 changes applied since 2026-11-21T06:00:02Z, WAL 2.0 KiB, records 3, end to end 0.5 s",
                        "rollback         writes would wait for about 0.9 s (pause 0.412 s, lag 0.500 s); before that, all rows are compared while the application writes",
                        "losses           public.users: email with losses, tier not at all (12 changes since the switchover)",
                        "reverse window   ends 2026-12-05T06:00:02Z");
    }

    @Test
    void statusDoesNotCountWhatIsUnknown() {
        Invocation verb =
                statusWithPrice(
                        "{\"switchedAt\":null,\"windowEndsAt\":null,\"rowsApplied\":null,"
                                + "\"lag\":{\"walBytes\":null,\"records\":null,\"endToEndSeconds\":null,"
                                + "\"safeWalBytes\":null},\"lossy\":[],\"seconds\":null,"
                                + "\"basis\":\"no pause\",\"comparesAllRows\":false}");

        assertThat(verb.out().lines())
                .contains(
                        "way back         unknown changes applied since the switchover, WAL unknown, records unknown, end to end unknown",
                        "rollback         writes would wait for an unknown time (no pause)",
                        "reverse window   ends unknown");
    }

    @Test
    void statusShowsTheStepOfARunningSwitchover() {
        Invocation verb =
                statusWith(
                        "SWITCHING_OVER",
                        "{\"id\":\"1\",\"kind\":\"switchover\",\"state\":\"running\",\"step\":\"applied\","
                                + "\"startedAt\":\"2026-11-21T06:00:00Z\"}");

        assertThat(verb.out().lines())
                .contains(
                        "traffic          an operation moves the application's writes",
                        "switchover       running, step applied");
    }

    @Test
    void statusShowsTheQuestionOfAnUnresolvedRollback() {
        Invocation verb =
                statusWith(
                        "UNRESOLVED",
                        "{\"id\":\"1\",\"kind\":\"rollback\",\"state\":\"unresolved\",\"step\":\"route\","
                                + "\"outcome\":\"Did it?\",\"startedAt\":\"2026-11-21T06:00:00Z\"}");

        assertThat(verb.out().lines())
                .contains(
                        "traffic          only a person can say whether the application was routed",
                        "rollback         unresolved, step route: Did it?");
    }

    @Test
    void statusShowsTheOutcomeOfTheLastSwitchover() {
        Invocation verb =
                statusWith(
                        "REVERSIBLE",
                        "{\"id\":\"1\",\"kind\":\"switchover\",\"state\":\"done\",\"step\":\"release\","
                                + "\"outcome\":\"The application writes to the target.\",\"pauseMs\":412,"
                                + "\"startedAt\":\"2026-11-21T06:00:00Z\",\"finishedAt\":\"2026-11-21T06:00:02.5Z\"}");

        assertThat(verb.out().lines())
                .contains(
                        "traffic          the application writes to the target; its changes go back"
                                + " to the source",
                        "switchover       done, 2026-11-21T06:00:02Z: The application writes to the"
                                + " target. Writes waited for at most 412 ms.");
    }

    @Test
    void watchingEndsUndecidedWhenAPersonMustAnswer() {
        service.json("GET /api/v1/status", status("UNRESOLVED", 9000));

        assertThat(new Invocation().run("status", "--watch", "--url", service.url()).exitCode())
                .isEqualTo(ExitCode.UNDECIDED);
    }

    @Test
    void statusPrintsTheServicesJson() {
        service.json("GET /api/v1/status", status("IN_SYNC", 4000));

        Invocation verb =
                new Invocation().run("status", "-o", "json", "--url", service.url() + "/");

        assertThat(verb.out()).isEqualToIgnoringNewLines(status("IN_SYNC", 4000));
    }

    @Test
    void sendsTheTokenAsBearerToken() {
        service.json("GET /api/v1/status", status("IN_SYNC", 4000));

        new Invocation()
                .with(Map.of("MILLRACE_TOKEN", "s3cret"))
                .run("status", "--url", service.url());
        new Invocation().run("status", "--url", service.url());

        assertThat(service.requests())
                .extracting(Service.Request::token)
                .containsExactly("Bearer s3cret", "null");
    }

    @Test
    void watchPrintsLinesUntilTheEndAndEstimatesOnlySteadyRates() {
        for (int rows = 1000; rows <= 5000; rows += 1000) {
            service.json(
                    "GET /api/v1/status",
                    status("BACKFILLING", rows)
                            .replace(
                                    "\"blockers\":[", "\"blockers\":[\"applier target is down\","));
        }
        service.json("GET /api/v1/status", status("COMPLETED", 9000));

        Invocation verb = new Invocation().run("status", "--watch", "--url", service.url());

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out().lines())
                .hasSize(6)
                .anySatisfy(
                        line ->
                                assertThat(line)
                                        .isEqualTo(
                                                "2026-11-21T06:00:20Z BACKFILLING, 50% 5,000 of"
                                                        + " ~10,000 rows, 200 rows/s, ETA ~25 s,"
                                                        + " lag"
                                                        + " source 1.5 KiB, records unknown, end"
                                                        + " to end"
                                                        + " 0.8 s, applier target is down, table"
                                                        + " crm.note has no key"));
        assertThat(verb.out().lines().findFirst().orElseThrow()).contains("estimating");
        assertThat(verb.out()).doesNotContain("\u001b");
    }

    @Test
    void watchRepaintsOnATerminalAndOmitsColourOnRequest() {
        service.json("GET /api/v1/status", status("BACKFILLING", 1000))
                .json("GET /api/v1/status", status("FAILED", 1000));

        Invocation plain =
                new Invocation()
                        .onScreen()
                        .with(Map.of("NO_COLOR", "1"))
                        .run("status", "--watch", "--url", service.url());
        Invocation colored =
                new Invocation().onScreen().run("status", "--watch", "--url", service.url());

        assertThat(plain.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(plain.out()).contains("\u001b[11A\u001b[J").doesNotContain("[31m");
        assertThat(colored.out()).contains("\u001b[31mFAILED\u001b[0m");
    }

    @Test
    void lagShowsOnlyTheLag() {
        service.json("GET /api/v1/status", status("IN_SYNC", 4000));

        Invocation table = new Invocation().run("lag", "--url", service.url());
        Invocation json = new Invocation().run("lag", "-o", "json", "--url", service.url());

        assertThat(table.out())
                .containsPattern("source +1.5 KiB  WAL that")
                .containsPattern("records +unknown  changes in");
        assertThat(json.out())
                .isEqualToIgnoringNewLines(
                        "{\"migration\":\"shop\",\"phase\":\"IN_SYNC\",\"lag\":{\"sourceBytes\":1536,"
                                + "\"records\":null,\"endToEndSeconds\":0.84,\"safeWalBytes\":null,"
                                + "\"sourceSeconds\":null,\"captureBytes\":null,"
                                + "\"captureSeconds\":null,\"slotActive\":null,\"topics\":[]}}");
    }

    @Test
    void lagShowsEveryStage() {
        service.json(
                "GET /api/v1/status",
                status("CATCHING_UP", 4000)
                        .replace(
                                "\"endToEndSeconds\":0.84",
                                "\"endToEndSeconds\":0.84,\"sourceSeconds\":2.5,"
                                        + "\"captureBytes\":256,\"captureSeconds\":0.4,\"topics\":["
                                        + "{\"topic\":\"changes\",\"group\":\"millrace.shop.rows.1\","
                                        + "\"records\":1,\"seconds\":0.2,\"partitions\":[]},"
                                        + "{\"topic\":\"target\",\"group\":\"millrace.shop.applier\","
                                        + "\"records\":null,\"seconds\":null,\"partitions\":[]}]")
                        .replace(
                                "\"migration\"",
                                "\"eta\":{\"backfillSeconds\":0,\"catchUpSeconds\":90},\"migration\""));

        Invocation lag = new Invocation().run("lag", "--url", service.url());
        Invocation status = new Invocation().run("status", "--url", service.url());

        assertThat(lag.out())
                .containsPattern("source +1.5 KiB, 2.5 s  WAL that")
                .containsPattern("capture +256 B, 0.4 s  WAL whose")
                .containsPattern("changes +1 block, 0.2 s  records .* group millrace.shop.rows.1")
                .containsPattern("target +unknown  records .* group millrace.shop.applier");
        assertThat(status.out()).containsPattern("eta +catch-up ~").doesNotContain("backfill ~");
    }

    @Test
    void statusAndLagShowWhatTheSlotMayStillRetain() {
        service.json(
                "GET /api/v1/status",
                status("IN_SYNC", 4000)
                        .replace(
                                "\"endToEndSeconds\":0.84",
                                "\"endToEndSeconds\":0.84,\"safeWalBytes\":3145728"));

        Invocation lag = new Invocation().run("lag", "--url", service.url());
        Invocation status = new Invocation().run("status", "--url", service.url());

        assertThat(lag.out()).contains("slot        3.0 MiB");
        assertThat(status.out())
                .contains("slot             3.0 MiB of WAL until the source may invalidate it");
    }

    @ParameterizedTest
    @CsvSource({"equal,0", "different,4", "undecided,5", "whatever,5"})
    void reconcileWaitsForTheVerdictAndReturnsItsExitCode(String verdict, int exitCode) {
        service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"r 1\"}")
                .on(
                        "GET /api/v1/reconciliations/r+1",
                        200,
                        "application/json",
                        "{\"state\":\"waiting\"}")
                .on(
                        "GET /api/v1/reconciliations/r+1",
                        202,
                        "application/json",
                        "{\"state\":\"RUNNING\"}")
                .json("GET /api/v1/reconciliations/r+1", report(verdict));

        Invocation verb =
                new Invocation()
                        .run("reconcile", "--table", "crm.customer", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(exitCode);
        assertThat(verb.pauses()).hasSize(2);
        assertThat(service.requests().getFirst().body())
                .contains("\"tables\":[\"crm.customer\"]", "\"who\":", "\"incremental\":false");
        assertThat(verb.out())
                .contains("shop: " + verdict + ", as of source position 0/1A2B")
                .containsPattern("crm.customer +" + verdict + " +1,200 +unknown +1 +0 +1 +0 +1.3 s")
                .contains("missing    id=5")
                .contains("different  id=7  email, name  x");
    }

    @Test
    void comparesTouchedKeysOnRequestAndSaysSo() {
        service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"1\"}")
                .json(
                        "GET /api/v1/reconciliations/1",
                        report("equal")
                                .replace(
                                        "\"seconds\"",
                                        "\"method\":\"2 touched keys since noon\",\"seconds\""));

        Invocation verb =
                new Invocation().run("reconcile", "--incremental", "--url", service.url());

        assertThat(service.requests().getFirst().body()).contains("\"incremental\":true");
        assertThat(verb.out()).contains("crm.customer: compared 2 touched keys since noon");
    }

    @Test
    void reportsALowerBoundForAnIncompleteComparison() {
        service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"1\"}")
                .json(
                        "GET /api/v1/reconciliations/1",
                        report("different")
                                .replace("\"seconds\"", "\"complete\":false,\"seconds\""));

        Invocation verb = new Invocation().run("reconcile", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(verb.out())
                .contains(
                        "crm.customer was not compared completely; it has at least 2"
                                + " differences");
    }

    @Test
    void reconcilePrintsJsonAndWritesAPage(@TempDir Path folder) throws IOException {
        Path page = folder.resolve("report.html");
        service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"1\"}")
                .json("GET /api/v1/reconciliations/1", report("equal"))
                .on("GET /api/v1/reconciliations/1?format=html", 200, "text/html", "<p>ü</p>");

        Invocation verb =
                new Invocation()
                        .run(
                                "reconcile",
                                "-o",
                                "json",
                                "--html",
                                page.toString(),
                                "--url",
                                service.url());

        assertThat(verb.out()).isEqualToIgnoringNewLines(report("equal"));
        assertThat(page).hasContent("<p>ü</p>");
        assertThat(service.requests().getFirst().body()).contains("\"tables\":[]");
    }

    @ParameterizedTest
    @CsvSource({"md, # verdict", "junit, <testsuites/>", "html, <p>ü</p>"})
    void reconcilePrintsADocumentOfTheService(String format, String document) {
        service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"1\"}")
                .json("GET /api/v1/reconciliations/1", report("different"))
                .on(
                        "GET /api/v1/reconciliations/1?format=" + format,
                        200,
                        "text/plain",
                        document + "\n");

        Invocation verb = new Invocation().run("reconcile", "-o", format, "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(verb.out()).isEqualTo(document + "\n");
    }

    @Test
    void reportShowsTheLastComparisonAndWritesItsFiles(@TempDir Path folder) {
        Path markdown = folder.resolve("report.md");
        Path junit = folder.resolve("report.xml");
        service.json("GET /api/v1/reconciliations", "[{\"id\":\"2\"},{\"id\":\"1\"}]")
                .json("GET /api/v1/reconciliations/2", report("different"))
                .on("GET /api/v1/reconciliations/2?format=md", 200, "text/markdown", "# m")
                .on("GET /api/v1/reconciliations/2?format=junit", 200, "application/xml", "<x/>");

        Invocation verb =
                new Invocation()
                        .run(
                                "report",
                                "-o",
                                "text",
                                "--markdown",
                                markdown.toString(),
                                "--junit",
                                junit.toString(),
                                "--url",
                                service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(verb.out()).contains("shop: different, as of source position 0/1A2B");
        assertThat(markdown).hasContent("# m");
        assertThat(junit).hasContent("<x/>");
    }

    @Test
    void reportWithoutAFinishedComparisonHasNoVerdict() {
        service.json("GET /api/v1/reconciliations", "[]")
                .json("GET /api/v1/reconciliations/7", "{\"state\":\"running\"}");

        Invocation none = new Invocation().run("report", "--url", service.url());
        Invocation running = new Invocation().run("report", "7", "--url", service.url());

        assertThat(none.exitCode()).isEqualTo(ExitCode.UNDECIDED);
        assertThat(none.err()).contains("No comparison has finished", "millrace reconcile");
        assertThat(running.exitCode()).isEqualTo(ExitCode.UNDECIDED);
        assertThat(running.err()).contains("The comparison is running.");
    }

    @Test
    void theTextShowsTheValuesOfBothSides() {
        service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"1\"}")
                .json(
                        "GET /api/v1/reconciliations/1",
                        report("different")
                                .replace(
                                        "\"cause\":\"x\"",
                                        "\"cause\":\"x\",\"values\":[{\"column\":\"email\","
                                                + "\"source\":\"it's\",\"target\":null}]"));

        Invocation verb = new Invocation().run("reconcile", "--url", service.url());

        assertThat(verb.out()).containsPattern("id=7 +email +'it''s' +NULL");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"state\":\"failed\",\"reason\":\"the source is down\"} | the source is down",
                "{} | gave no reason",
                "[] | gave no reason"
            })
    void reconcileFailsWhenNoReportWillCome(String body, String reason) {
        service.on("POST /api/v1/reconciliations", 202, "application/json", "{\"id\":\"1\"}")
                .json("GET /api/v1/reconciliations/1", body);

        Invocation verb = new Invocation().run("reconcile", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(verb.err()).contains(reason);
        assertThat(verb.pauses()).isEmpty();
    }

    @Test
    void logPrintsRecordsAsTheyArrive() {
        String first =
                "{\"topic\":\"changes\",\"partition\":2,\"offset\":7,\"kind\":\"insert\","
                        + "\"table\":\"public.users\",\"key\":{\"id\":\"1\"},\"row\":{\"a\":null}}";
        service.on(
                "GET /api/v1/log?topic=changes&limit=5&table=public.users&key=a%26b",
                200, "application/x-ndjson", first + "\n" + first + "\n");
        String[] verb = {
            "log",
            "--topic",
            "changes",
            "--limit",
            "5",
            "--table",
            "public.users",
            "--key",
            "a&b",
            "--url",
            service.url(),
            "-o",
            "json"
        };

        Invocation json = new Invocation().run(verb);
        verb[verb.length - 1] = "table";
        Invocation table = new Invocation().run(verb);

        assertThat(json.out().lines()).containsExactly(first, first);
        assertThat(table.out().lines().findFirst())
                .contains("2/7  insert  public.users  key {\"id\":\"1\"}  row {\"a\":null}");
    }

    @ParameterizedTest
    @CsvSource({"400,2", "404,2", "422,2", "409,3", "500,1", "503,1"})
    void printsAProblemAsAMessage(int status, int exitCode) {
        service.on(
                "POST /api/v1/reconciliations",
                status,
                "application/problem+json",
                "{\"type\":\"about:blank\",\"title\":\"Unknown table\",\"status\":"
                        + status
                        + ",\"detail\":\"crm.nope is no target\"}");

        Invocation verb = new Invocation().run("reconcile", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(exitCode);
        assertThat(verb.err())
                .isEqualToIgnoringNewLines(
                        "millrace: The service refused the request: crm.nope" + " is no target");
        assertThat(verb.out()).isEmpty();
    }

    private static String notReady(String state) {
        return "{\"title\":\"Not now\",\"status\":503,\"detail\":\"ask again\",\"state\":\""
                + state
                + "\"}";
    }

    @Test
    void waitsForAStartingService() {
        String problem = "application/problem+json";
        service.on("GET /api/v1/status", 503, problem, notReady("starting"))
                .on("GET /api/v1/status", 503, problem, notReady("starting"))
                .json("GET /api/v1/status", status("IN_SYNC", 4000));

        Invocation verb = new Invocation().run("lag", "--url", service.url());

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out()).contains("end to end");
        assertThat(verb.err().lines())
                .containsExactly("The service is starting. Waiting up to 60 s.");
    }

    @ParameterizedTest
    @CsvSource({"starting,60", "draining,0"})
    void waitsAMinuteForAStartAndNotForADrain(String state, int seconds) {
        service.on(
                "POST /api/v1/reconciliations", 503, "application/problem+json", notReady(state));

        Invocation verb = new Invocation().run("reconcile", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(verb.err()).contains("millrace: The service refused the request: ask again");
        assertThat(verb.pauses()).hasSize(seconds);
    }

    @Test
    void namesTheRemedyForARefusedToken() {
        service.on("GET /api/v1/status", 401, "application/problem+json", "{\"title\":\"No\"}");

        Invocation verb =
                new Invocation()
                        .with(Map.of("MILLRACE_TOKEN", "s3cret"))
                        .run("status", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err()).contains("MILLRACE_TOKEN").doesNotContain("s3cret");
    }

    @Test
    void recognizesAServerThatIsNotMillrace() {
        service.json("GET /api/v1/status", "<html>");

        Invocation verb = new Invocation().run("status", "--url", service.url());
        Invocation log = new Invocation().run("log", "--topic", "target", "--url", service.url());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(verb.err()).contains("is not a Millrace service").doesNotContain("\tat ");
        assertThat(log.err()).contains("is not a Millrace service");
    }

    @Test
    void namesTheRemedyForAUrlWithAPath() {
        Invocation nothingThere =
                new Invocation().run("status", "--url", service.url() + "/api/v1/status");
        service.on(
                "GET /api/v1/api/v1/status",
                404,
                "application/problem+json",
                "{\"title\":\"Path not found\"}");
        Invocation refused = new Invocation().run("status", "--url", service.url() + "/api/v1");

        assertThat(nothingThere.err()).contains("Set --url without a path");
        assertThat(refused.err()).contains("Path not found", "Set --url without a path");
        assertThat(refused.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void namesTheRemedyForAnUnreachableService() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0)) {
            free = socket.getLocalPort();
        }
        String url = "http://localhost:" + free;

        Invocation verb = new Invocation().run("status", "--url", url);
        Invocation debugged = new Invocation().run("status", "--debug", "--url", url);

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(verb.err().lines())
                .containsExactly(
                        "millrace: No Millrace service at "
                                + url
                                + ": connection refused or unknown host.",
                        "Start it with 'millrace run -c millrace.yaml', or set --url to its"
                                + " address.");
        assertThat(debugged.err()).contains("\tat ");
    }

    @ParameterizedTest
    @CsvSource({"localhost:8080", "ftp://localhost", "http://user:pw@localhost", "'http://a b'"})
    void refusesInvalidAddresses(String url) {
        Invocation verb = new Invocation().run("status", "--url", url);

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err()).contains("--url is not the address").doesNotContain("pw");
    }

    private static String status(String phase, long rows) {
        return STATUS.formatted(phase, rows, rows >= 10_000);
    }

    private static String report(String verdict) {
        return REPORT.formatted(verdict, verdict);
    }
}
