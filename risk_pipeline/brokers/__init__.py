"""Exports of brokers as rows of our own import format: trades become lots by FIFO.

What a broker reports of dividends and interest is not taken over: dividends come with the prices, and counting both
would count them twice.
"""
