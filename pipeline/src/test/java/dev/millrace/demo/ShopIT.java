package dev.millrace.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.demo.Route.Side;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ShopIT {

    private static final String OPTIONS = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'";
    private static final String ROWS =
            "SELECT sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM"
                    + " %I.%I', schemaname, tablename), false, true, '')))[1]::text::int)"
                    + " FROM pg_tables WHERE schemaname = 'public'";

    private final TestDatabase source = PostgresServer.shared().newDatabase(OPTIONS);

    @Test
    void shopHasAboutTheRequestedNumberOfRowsAndNoEmptyTable() throws SQLException {
        create(5_000);

        assertThat(Integer.parseInt("" + source.value(ROWS))).isBetween(4_000, 6_500);
        assertThat(
                        source.query(
                                "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples <"
                                        + " 1 AND relnamespace = 'public'::regnamespace"))
                .isEmpty();
        assertThat(Integer.parseInt("" + source.value(TYPES))).isGreaterThan(15);
    }

    private static final String TYPES =
            "SELECT count(DISTINCT atttypid) FROM pg_attribute JOIN pg_class c ON attrelid = c.oid"
                    + " WHERE attnum > 0 AND relkind = 'r' AND relnamespace ="
                    + " 'public'::regnamespace";

    @Test
    void everySelectFitsTheShopAndTheMarket() throws SQLException {
        create(500);
        List<TableText> tables = TableText.of(Shop.tables());
        assertThat(tables).hasSizeGreaterThan(15);

        createMarketInShop();
        for (TableText table : tables) {
            assertThat(columns("SELECT * FROM (" + table.select() + ") s"))
                    .as(table.target())
                    .isEqualTo(columns("SELECT * FROM " + table.target()));
            source.execute("INSERT INTO " + table.target() + " " + table.select());
            assertThat(source.value("SELECT count(*) FROM " + table.target()))
                    .as(table.target())
                    .isNotEqualTo("0");
        }
    }

    @Test
    void trafficWritesWithoutFailuresAndCountsRows() throws SQLException {
        create(2_000);
        Traffic.Settings fast = new Traffic.Settings(4, 2_000, 7);
        String written = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables";
        source.execute("SELECT pg_stat_force_next_flush()");
        long before = Long.parseLong("" + source.value(written));

        Traffic traffic = Traffic.start(source::connect, fast);
        try (traffic) {
            await().atMost(Waits.LIMIT).until(() -> traffic.transactions() > 1_500);
        }

        assertThat(traffic.failures()).isEmpty();
        assertThat(traffic.rowsWritten()).isGreaterThan(traffic.transactions());
        await().atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(Long.parseLong("" + source.value(written)) - before)
                                        .isGreaterThanOrEqualTo(traffic.rowsWritten()));
        long transactions = traffic.transactions();
        assertThat(traffic.transactions()).isEqualTo(transactions);
        assertThat(
                        source.value(
                                "SELECT count(*) FROM payment WHERE paid_at > now() -"
                                        + " '1h'::interval"))
                .isNotEqualTo("0");
    }

    @Test
    void failuresAreCountedBySqlStateAndTrafficContinues() throws SQLException {
        create(500);
        source.execute("DROP TABLE session");

        try (Traffic traffic = Traffic.start(source::connect, new Traffic.Settings(2, 1_000, 3))) {
            await().atMost(Waits.LIMIT)
                    .until(() -> traffic.failures().getOrDefault("42P01", 0L) > 3);
            long then = traffic.transactions();
            await().atMost(Waits.LIMIT).until(() -> traffic.transactions() > then + 20);
        }
    }

    @Test
    void aLostConnectionIsReopened() throws SQLException {
        create(500);

        try (Traffic traffic = Traffic.start(source::connect, new Traffic.Settings(2, 1_000, 3))) {
            await().atMost(Waits.LIMIT).until(() -> traffic.transactions() > 10);
            source.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                            + " current_database() AND pid <> pg_backend_pid()");
            await().atMost(Waits.LIMIT).until(() -> !traffic.failures().isEmpty());
            long then = traffic.transactions();
            await().atMost(Waits.LIMIT).until(() -> traffic.transactions() > then + 20);
        }
    }

    @Test
    void theTrafficOfTheNewSideKeepsWhatTheMappingsDerive() throws SQLException {
        create(2_000);
        createMarketInShop();
        for (TableText table : TableText.of(Shop.tables())) {
            source.execute("INSERT INTO " + table.target() + " " + table.select());
        }
        for (String table :
                List.of("sales.sales_order", "logistics.shipment", "community.review")) {
            source.execute(
                    "SELECT setval(pg_get_serial_sequence('%1$s', 'id'), max(id)) FROM %1$s"
                            .formatted(table));
        }
        source.execute("SELECT setval(pg_get_serial_sequence('audit.event', 'id'), 1000000)");
        assertThat(source.value(WRONG)).isEqualTo("0");

        Traffic traffic = Traffic.start(inMarket(), new Traffic.Settings(4, 2_000, 7));
        try (traffic) {
            await().atMost(Waits.LIMIT).until(() -> traffic.transactions() > 1_500);
        }

        assertThat(traffic.failures()).isEmpty();
        assertThat(traffic.rowsWritten(Side.SOURCE)).isZero();
        assertThat(source.value(WRONG)).isEqualTo("0");
        assertThat(traffic.lost()).isZero();
        source.execute(
                "DELETE FROM audit.receipt WHERE received_at = (SELECT max(received_at) FROM"
                        + " audit.receipt)");
        assertThat(traffic.lost()).isEqualTo(1);
    }

    /// Rows that the mappings would not give.
    private static final String WRONG =
            """
            SELECT count(*) FROM (
                SELECT full_name FROM crm.customer
                    WHERE full_name <> given_name || ' ' || family_name OR email <> lower(email)
                UNION ALL (SELECT email FROM crm.customer WHERE wants_mail AND closed_at IS NULL
                    EXCEPT SELECT email FROM crm.subscriber)
                UNION ALL SELECT s.email FROM crm.subscriber s JOIN crm.customer c ON c.id = customer_id
                    WHERE NOT wants_mail OR closed_at IS NOT NULL OR s.email <> c.email
                UNION ALL SELECT sku FROM catalog.product p WHERE price_band <> CASE WHEN price_cents < 2000
                        THEN 'budget' WHEN price_cents < 20000 THEN 'standard' ELSE 'premium' END
                    OR sellable <> EXISTS (SELECT FROM inventory.item i WHERE product_id = id AND i.sku = p.sku
                        AND weight_grams = weight_kg * 1000)
                UNION ALL SELECT '' FROM inventory.stock WHERE available <> on_hand - reserved
                UNION ALL SELECT '' FROM sales.sales_order WHERE total_cents <> total_amount * 100
                    OR channel <> 'web'
                UNION ALL SELECT '' FROM sales.order_line WHERE line_total <> quantity * unit_price
                UNION ALL SELECT '' FROM billing.payment p WHERE (status <> 'captured') <> EXISTS (
                    SELECT FROM billing.open_payment o WHERE o.id = p.id AND o.status = p.status
                        AND o.order_id = p.order_id AND o.amount * 100 = p.amount_cents)
                UNION ALL SELECT '' FROM community.review WHERE is_positive <> (rating >= 4)
                    OR body_length <> length(COALESCE(body, ''))
            ) AS wrong
            """;

    @Test
    void aRefusedTransactionIsTriedAgainOnTheSideThatIsCurrentThenAndIsNoFailure()
            throws SQLException {
        create(500);
        source.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
                        + " 'fenced' USING ERRCODE = '25006'; END $$");
        try (Traffic traffic = Traffic.start(source::connect, new Traffic.Settings(2, 1_000, 3))) {
            await().atMost(Waits.LIMIT).until(() -> traffic.transactions() > 10);
            source.execute(
                    "CREATE TRIGGER fence BEFORE INSERT ON receipt EXECUTE FUNCTION refuse()");
            traffic.resetLongestWait();
            long fenced = traffic.transactions();
            await().pollDelay(Duration.ofMillis(300)).until(() -> true);
            // A writer may not have counted its last commit yet.
            assertThat(traffic.transactions()).isLessThanOrEqualTo(fenced + 2);
            source.execute("DROP TRIGGER fence ON receipt");

            await().atMost(Waits.LIMIT).until(() -> traffic.longestWait().toMillis() >= 300);
            assertThat(traffic.failures()).isEmpty();
            await().atMost(Waits.LIMIT).until(() -> traffic.transactions() > fenced + 20);
        }
    }

    private Route inMarket() {
        return new Route() {
            @Override
            public Connection connect(Side side) throws SQLException {
                return source.connect();
            }

            @Override
            public Side current(Connection connection) {
                return Side.TARGET;
            }
        };
    }

    /// The market's types have the same names as the shop's.
    private void createMarketInShop() throws SQLException {
        source.execute(
                "ALTER TYPE customer_tier RENAME TO tier_of_shop",
                "ALTER TYPE order_status RENAME TO status_of_shop");
        try (Connection connection = source.connect()) {
            Shop.createMarket(connection);
        }
        source.execute(
                "CREATE CAST (tier_of_shop AS customer_tier) WITH INOUT AS ASSIGNMENT",
                "CREATE CAST (status_of_shop AS order_status) WITH INOUT AS ASSIGNMENT");
    }

    private void create(long rows) throws SQLException {
        try (Connection connection = source.connect()) {
            Shop.create(connection, rows);
        }
    }

    private List<List<String>> columns(String select) {
        source.execute("DROP VIEW IF EXISTS public.probe", "CREATE VIEW public.probe AS " + select);
        return source
                .query(
                        "SELECT attname FROM pg_attribute WHERE attrelid = 'public.probe'::regclass"
                                + " AND attnum > 0 ORDER BY attnum")
                .stream()
                .map(row -> row.stream().map(String::valueOf).toList())
                .toList();
    }
}
