"""Draws the documents' pictures from what the bot really shows: python -m docs.pictures"""
