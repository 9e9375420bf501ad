import './base.css';
import './shell.css';
import './scores.css';
import './training.css';
import './agentCells.css';
