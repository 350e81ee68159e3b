"""What bench/run.py is made of: scenarios, systems, one measurement, tables and charts. Python's standard library only."""
