package dev.millrace.demo;

import dev.millrace.demo.Route.Side;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Random;

/// Random transactions of the shop. The caller commits each of them. Rows are locked in key order,
/// so that transactions of several writers do not deadlock. Thread-safe.
final class ShopWork {

    /// Transactions of the application's new version.
    private static final List<Weighted> ON_TARGET =
            List.of(
                    new Weighted(20, MarketOrders::placeOrder),
                    new Weighted(12, MarketOrders::capturePayment),
                    new Weighted(3, MarketOrders::refusePayment),
                    new Weighted(10, MarketOrders::ship),
                    new Weighted(8, MarketWorkload::changePrice),
                    new Weighted(2, MarketWorkload::listOrUnlist),
                    new Weighted(8, MarketWorkload::renameCustomer),
                    new Weighted(5, MarketWorkload::changeSubscription),
                    new Weighted(4, MarketWorkload::moveHouse),
                    new Weighted(6, MarketWorkload::beginSessions),
                    new Weighted(5, MarketWorkload::endSessions),
                    new Weighted(4, MarketWorkload::review),
                    new Weighted(2, MarketWorkload::deleteReview),
                    new Weighted(4, MarketWorkload::wish));

    private static final List<Weighted> ON_SOURCE =
            List.of(
                    new Weighted(20, OrderWorkload::placeOrder),
                    new Weighted(12, OrderWorkload::capturePayment),
                    new Weighted(3, OrderWorkload::refusePayment),
                    new Weighted(10, OrderWorkload::ship),
                    new Weighted(8, CatalogWorkload::changePrice),
                    new Weighted(2, CatalogWorkload::listOrUnlist),
                    new Weighted(8, CustomerWorkload::renameCustomer),
                    new Weighted(5, CustomerWorkload::changePreferences),
                    new Weighted(3, CustomerWorkload::deleteOrRestoreCustomer),
                    new Weighted(4, CustomerWorkload::moveHouse),
                    new Weighted(6, CustomerWorkload::beginSessions),
                    new Weighted(5, CustomerWorkload::endSessions),
                    new Weighted(4, CatalogWorkload::review),
                    new Weighted(2, CatalogWorkload::deleteReview),
                    new Weighted(4, CatalogWorkload::wish),
                    new Weighted(3, CatalogWorkload::wishForAnother),
                    new Weighted(3, CatalogWorkload::countStock),
                    new Weighted(2, CatalogWorkload::useCoupons),
                    new Weighted(2, CustomerWorkload::forgetEvents));

    private final ShopSize shop;

    private ShopWork(ShopSize shop) {
        this.shop = shop;
    }

    static ShopWork on(Connection connection) throws SQLException {
        return new ShopWork(ShopSize.of(connection));
    }

    private interface Workload {
        /// @return rows written
        long run(WorkloadTransaction turn) throws SQLException;
    }

    private record Weighted(int weight, Workload workload) {}

    /// Runs a random transaction without its COMMIT.
    long next(Side side, Connection connection, Random random) throws SQLException {
        List<Weighted> workloads =
                switch (side) {
                    case SOURCE -> ON_SOURCE;
                    case TARGET -> ON_TARGET;
                };
        WorkloadTransaction turn = new WorkloadTransaction(connection, random, shop);
        int weights = workloads.stream().mapToInt(Weighted::weight).sum();
        int chance = turn.below(weights);
        for (Weighted weighted : workloads) {
            chance -= weighted.weight();
            if (chance < 0) {
                return weighted.workload().run(turn);
            }
        }
        throw new IllegalStateException("The weights do not add up to " + weights + ".");
    }

    /// Initial number of rows; transactions choose among these.
    record ShopSize(int customers, int products, int orders) {

        static ShopSize of(Connection connection) throws SQLException {
            try (Statement statement = connection.createStatement();
                    ResultSet counts =
                            statement.executeQuery(
                                    "SELECT (SELECT max(id) FROM customer), (SELECT max(id) FROM"
                                            + " product), (SELECT max(id) FROM orders)")) {
                counts.next();
                return new ShopSize(counts.getInt(1), counts.getInt(2), counts.getInt(3));
            }
        }
    }
}
