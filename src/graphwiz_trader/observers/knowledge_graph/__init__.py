"""The knowledge graph: what traded where, by which strategy and with what result, in an embedded LadybugDB.

It is a projection: journals make it, nothing else writes it, and it can be deleted and rebuilt at will.

    (Instrument)-[:LISTED_ON]->(Exchange)
    (Order)-[:PLACED_BY]->(Strategy)   (Order)-[:OF_INSTRUMENT]->(Instrument)   (Order)-[:SENT_IN]->(Session)
    (Fill)-[:EXECUTES]->(Order)
    (Trade)-[:CLOSED_BY]->(Strategy)   (Trade)-[:MADE_OF]->(Fill)

A Fill is one execution, a Trade one closed round trip (see `projection`). Amounts of money are INT128 in units of
10^-24 of the quote currency (``*_money``) with decimal text beside them for reading; sums over them are exact.
"""
